//! The state of a session, as its messages show it.
//!
//! sqlx sends a lone Sync at each release of a connection and waits for its answer. The answer
//! contains only the transaction status, which the bridge knows. So it answers by itself, and a
//! pooled statement costs one round trip instead of two. The same Sync while a statement runs means
//! that nothing waits for the statement any more, so that it can be canceled.
//!
//! See "Message Flow" in PostgreSQL's documentation, chapter 55.2.

use std::time::Duration;

use tokio::time::Instant;

/// A Sync message.
pub(super) const SYNC: [u8; 5] = [b'S', 0, 0, 0, 4];

/// How long the last bytes of the server prove that it is alive.
const FRESH: Duration = Duration::from_secs(1);

/// The time that a statement gets beyond its `statement_timeout`, in which the server cancels it.
const MARGIN: Duration = Duration::from_secs(5);

/// The bytes of a header: the kind and the length of a message.
const HEADER: usize = 5;

/// What to do with the bytes that the client sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Forwards that many bytes.
    Forward(usize),
    /// Drops a Sync, and answers with this ReadyForQuery.
    Answer([u8; 6]),
    /// Cancels the running statement at the server, and asks again about the same bytes.
    Cancel,
}

/// Follows one direction by the headers of its messages. It keeps no body.
#[derive(Debug, Default)]
struct Frames {
    header: [u8; HEADER],
    read: usize,
    left: usize,
}

impl Frames {
    fn is_between(&self) -> bool {
        self.read == 0 && self.left == 0
    }

    /// Reads on to the end of a header or of a body. Returns how many bytes that took, and the kind
    /// of the message if its header is complete now.
    fn advance(&mut self, bytes: &[u8]) -> (usize, Option<u8>) {
        if self.left > 0 {
            let count = self.left.min(bytes.len());
            self.left -= count;
            return (count, None);
        }
        let count = (HEADER - self.read).min(bytes.len());
        self.header[self.read..self.read + count].copy_from_slice(&bytes[..count]);
        self.read += count;
        if self.read < HEADER {
            return (count, None);
        }
        self.read = 0;
        let [kind, length @ ..] = self.header;
        self.left = (u32::from_be_bytes(length) as usize).saturating_sub(4);
        (count, Some(kind))
    }
}

/// Follows both directions of a session that has logged in.
#[derive(Debug)]
pub(super) struct Follower {
    client: Frames,
    server: Frames,
    /// The requests whose ReadyForQuery has not arrived.
    outstanding: u32,
    /// Whether messages were sent that the next Sync completes.
    is_open: bool,
    /// Whether what is outstanding must not be canceled: it was canceled already, it is the end of a
    /// transaction, which would stay open, or the server reads rows (COPY FROM STDIN) and ignores a
    /// Sync.
    is_protected: bool,
    status: u8,
    heard: Instant,
    active: Instant,
    limit: Option<Duration>,
}

impl Follower {
    /// Follows a session after its first ReadyForQuery. `statement_timeout` is that of the session.
    pub(super) fn new(status: u8, statement_timeout: Option<Duration>, now: Instant) -> Self {
        Self {
            client: Frames::default(),
            server: Frames::default(),
            outstanding: 0,
            is_open: false,
            is_protected: false,
            status,
            heard: now,
            active: now,
            limit: statement_timeout.map(|timeout| timeout.saturating_add(MARGIN)),
        }
    }

    /// Reads bytes of the client, which are not empty, and decides about the first of them.
    pub(super) fn client_sent(&mut self, bytes: &[u8], now: Instant) -> Step {
        self.active = now;
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            if let Some(step) = self.instead(rest, now) {
                return if at == 0 { step } else { Step::Forward(at) };
            }
            let (count, kind) = self.client.advance(rest);
            at += count;
            if let Some(kind) = kind {
                self.requested(kind, bytes.get(at..).unwrap_or_default());
            }
        }
        Step::Forward(at)
    }

    /// Returns what to do instead of forwarding the message at the start of `rest`.
    fn instead(&self, rest: &[u8], now: Instant) -> Option<Step> {
        if !self.client.is_between() || self.is_open {
            return None;
        }
        let is_sync = rest.starts_with(&SYNC);
        if self.outstanding == 0 {
            let answers = is_sync
                && self.server.is_between()
                && now.saturating_duration_since(self.heard) < FRESH;
            return answers.then_some(Step::Answer([b'Z', 0, 0, 0, 5, self.status]));
        }
        let is_rollback =
            rest.first() == Some(&b'Q') && rest.get(HEADER..).is_some_and(is_rollback);
        let cancels = (is_sync || is_rollback) && !self.is_protected;
        cancels.then_some(Step::Cancel)
    }

    /// Reads the kind of a message of the client, and as much of its body as has arrived.
    fn requested(&mut self, kind: u8, body: &[u8]) {
        match kind {
            b'S' | b'Q' | b'F' => {
                self.outstanding = self.outstanding.saturating_add(1);
                self.is_open = false;
            }
            // CopyData, CopyDone, CopyFail and Terminate are no part of a request.
            b'd' | b'c' | b'f' | b'X' => {}
            _ => self.is_open = true,
        }
        if kind == b'Q' {
            // If the text has not arrived, it may be one of these.
            self.is_protected |= body.len() < b"ROLLBACK".len() && self.client.left > body.len()
                || is_rollback(body)
                || body.starts_with(b"COMMIT");
        }
        // A statement that sets another limit: the one of the login no longer holds.
        if matches!(kind, b'Q' | b'P') && self.limit.is_some() {
            let text = &body[..body.len().min(self.client.left)];
            let name = b"statement_timeout";
            if text.windows(name.len()).any(|part| part.eq_ignore_ascii_case(name)) {
                self.limit = None;
            }
        }
    }

    /// Reports that the attempt to cancel has ended.
    pub(super) fn canceled(&mut self, now: Instant) {
        self.is_protected = self.outstanding > 0;
        self.active = now;
    }

    /// Reads bytes of the server.
    pub(super) fn server_sent(&mut self, mut bytes: &[u8], now: Instant) {
        self.heard = now;
        self.active = now;
        while let Some(first) = bytes.first() {
            // The one byte of a ReadyForQuery.
            if self.server.left > 0 && self.server.header[0] == b'Z' {
                self.status = *first;
                self.outstanding = self.outstanding.saturating_sub(1);
                if self.outstanding == 0 {
                    self.is_protected = false;
                }
            }
            let (count, kind) = self.server.advance(bytes);
            bytes = &bytes[count..];
            // CopyInResponse and CopyBothResponse.
            if matches!(kind, Some(b'G' | b'W')) {
                self.is_protected = true;
            }
        }
    }

    /// Returns whether a request has not been answered completely.
    pub(super) fn is_waiting(&self) -> bool {
        self.outstanding > 0
    }

    /// Returns whether a message of the bridge's own can go to the client now.
    pub(super) fn can_interject(&self) -> bool {
        self.server.is_between()
    }

    /// Reports that the client does not read, so that the server's silence means nothing.
    pub(super) fn client_is_slow(&mut self, now: Instant) {
        self.active = now;
    }

    /// Returns when the session has been silent for too long. `None` while no answer is awaited.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let limit = self.limit.filter(|_| self.is_waiting())?;
        self.active.checked_add(limit)
    }
}

fn is_rollback(text: &[u8]) -> bool {
    text.starts_with(b"ROLLBACK")
}

/// Returns the `statement_timeout` in the options of a StartupMessage, unless it is disabled.
pub(super) fn statement_timeout(startup: &[u8]) -> Option<Duration> {
    let name = b"statement_timeout=";
    let last = startup.windows(name.len()).rposition(|part| part == name)?;
    let value = startup[last + name.len()..].split(|byte| !byte.is_ascii_alphanumeric()).next()?;
    let milliseconds: u64 = str::from_utf8(value).ok()?.parse().ok()?;
    (milliseconds > 0).then(|| Duration::from_millis(milliseconds))
}

#[cfg(test)]
mod tests;
