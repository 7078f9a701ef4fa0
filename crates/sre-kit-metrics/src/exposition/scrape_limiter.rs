//! The limit of concurrent scrapes, and their buffers.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;

/// Buffers of at most this capacity are always kept.
const SMALL: usize = 64 * 1024;

/// The size of the pieces in which a response is handed to its connection. They are copies, so that
/// a connection that does not read never holds the buffer of a response.
const PIECE: usize = 64 * 1024;

/// At the limit, a response is given up if its client has taken nothing for this time.
const IDLE: Duration = Duration::from_secs(1);

/// At the limit, a response is given up after this time in any case, and a scrape that is still
/// being written no longer counts: its scraper has timed out long before.
const STUCK: Duration = Duration::from_secs(60);

/// Admits a bounded number of scrapes and keeps their buffers for the next ones.
///
/// It owns the responses that are being sent, so that it can free the one of a client that does not
/// read: clients that do not read cannot keep others out.
#[derive(Debug)]
pub(super) struct ScrapeLimiter {
    limit: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next_id: u64,
    /// The scrapes under way, oldest first.
    scrapes: Vec<Scrape>,
    spare: Vec<Buffers>,
}

struct Scrape {
    id: u64,
    started: Instant,
    /// `None` while the response is being written.
    sending: Option<Sending>,
}

/// A response that is being sent.
struct Sending {
    buffers: Buffers,
    is_compressed: bool,
    offset: usize,
    /// When the connection took a piece for the last time.
    taken: Instant,
}

#[derive(Default)]
struct Buffers {
    plain: Vec<u8>,
    compressed: Vec<u8>,
}

impl ScrapeLimiter {
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, state: Mutex::default() })
    }

    /// Returns a permit for one scrape, or `None` if the limit is reached and every response under
    /// way is being read.
    pub(super) fn acquire(self: &Arc<Self>) -> Option<ScrapePermit> {
        self.acquire_at(Instant::now())
    }

    fn acquire_at(self: &Arc<Self>, now: Instant) -> Option<ScrapePermit> {
        let mut state = self.lock();
        let counted = state.scrapes.iter().filter(|scrape| scrape.counts(now)).count();
        if counted >= self.limit && !state.give_up_one(now) {
            return None;
        }
        let id = state.next_id;
        state.next_id += 1;
        state.scrapes.push(Scrape { id, started: now, sending: None });
        let buffers = state.spare.pop().unwrap_or_default();
        Some(ScrapePermit { limiter: Arc::clone(self), buffers, is_compressed: false, id })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets the scrape `id` and keeps its buffers for the next one.
    fn end(&self, id: u64) {
        let mut state = self.lock();
        if let Some(mine) = state.scrapes.iter().position(|scrape| scrape.id == id) {
            let scrape = state.scrapes.remove(mine);
            if let Some(sending) = scrape.sending {
                state.recycle(sending.buffers, self.limit);
            }
        }
    }
}

impl State {
    /// Gives up the oldest response that its client does not read. Returns whether there was one.
    fn give_up_one(&mut self, now: Instant) -> bool {
        let Some(index) = self.scrapes.iter().position(|scrape| scrape.is_stuck(now)) else {
            return false;
        };
        if let Some(sending) = self.scrapes.remove(index).sending {
            // The next scrape takes them at once.
            self.recycle(sending.buffers, usize::MAX);
        }
        true
    }

    /// Keeps `buffers` for the next scrape, if fewer than `limit` are kept.
    fn recycle(&mut self, mut buffers: Buffers, limit: usize) {
        for buffer in [&mut buffers.plain, &mut buffers.compressed] {
            // One huge scrape must not hold its memory forever.
            if buffer.capacity() > SMALL.max(4 * buffer.len()) {
                *buffer = Vec::new();
            }
            buffer.clear();
        }
        if self.spare.len() < limit {
            self.spare.push(buffers);
        }
    }
}

impl Scrape {
    fn is_old(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.started) > STUCK
    }

    /// Returns whether the scrape counts towards the limit. A response always does, because it holds
    /// its memory until it is given up.
    fn counts(&self, now: Instant) -> bool {
        self.sending.is_some() || !self.is_old(now)
    }

    /// Returns whether a response is being sent that its client does not read, or not in any
    /// reasonable time.
    fn is_stuck(&self, now: Instant) -> bool {
        self.sending.as_ref().is_some_and(|sending| {
            now.saturating_duration_since(sending.taken) >= IDLE || self.is_old(now)
        })
    }
}

impl Sending {
    fn bytes(&self) -> &[u8] {
        if self.is_compressed { &self.buffers.compressed } else { &self.buffers.plain }
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("scrapes", &self.scrapes.len()).finish_non_exhaustive()
    }
}

/// The permit of one scrape whose response is being written.
#[must_use = "dropping the permit ends the scrape"]
pub(super) struct ScrapePermit {
    limiter: Arc<ScrapeLimiter>,
    buffers: Buffers,
    is_compressed: bool,
    id: u64,
}

impl ScrapePermit {
    /// Returns the buffer for the uncompressed response, empty at first.
    pub(super) fn plain(&mut self) -> &mut Vec<u8> {
        &mut self.buffers.plain
    }

    /// Replaces the response with its compressed form. Returns whether that succeeded.
    pub(super) fn compress(
        &mut self,
        compress: impl FnOnce(&[u8], Vec<u8>) -> Option<Vec<u8>>,
    ) -> bool {
        let Buffers { plain, compressed } = &mut self.buffers;
        if let Some(done) = compress(plain, std::mem::take(compressed)) {
            *compressed = done;
            self.is_compressed = true;
        }
        self.is_compressed
    }

    /// Hands the response over to be sent.
    pub(super) fn send(self) -> ScrapePieces {
        self.send_at(Instant::now())
    }

    fn send_at(mut self, now: Instant) -> ScrapePieces {
        let sending = Sending {
            buffers: std::mem::take(&mut self.buffers),
            is_compressed: self.is_compressed,
            offset: 0,
            taken: now,
        };
        let pieces = ScrapePieces {
            limiter: Arc::clone(&self.limiter),
            id: self.id,
            left: sending.bytes().len(),
        };
        let mut state = self.limiter.lock();
        match state.scrapes.iter_mut().find(|scrape| scrape.id == self.id) {
            Some(scrape) => scrape.sending = Some(sending),
            // Only responses are given up, so this permit is still known.
            None => debug_assert!(false, "a scrape was given up while it was written"),
        }
        drop(state);
        pieces
    }
}

impl Drop for ScrapePermit {
    fn drop(&mut self) {
        let mut state = self.limiter.lock();
        let mine = state.scrapes.iter().position(|scrape| scrape.id == self.id);
        // After `send`, the response holds the place and the buffers.
        if let Some(mine) = mine.filter(|mine| state.scrapes[*mine].sending.is_none()) {
            state.scrapes.remove(mine);
            state.recycle(std::mem::take(&mut self.buffers), self.limiter.limit);
        }
    }
}

/// A response that was given up.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct GivenUp;

/// The pieces of a response. It holds its place until the last one is taken, or it is dropped.
#[must_use = "dropping the pieces ends the scrape"]
pub(super) struct ScrapePieces {
    limiter: Arc<ScrapeLimiter>,
    id: u64,
    left: usize,
}

impl ScrapePieces {
    /// Returns the number of bytes that are left.
    pub(super) fn left(&self) -> usize {
        self.left
    }

    /// Takes the next piece. `None` is the end.
    ///
    /// # Errors
    ///
    /// Returns an error if the response was given up.
    pub(super) fn take(&mut self) -> Result<Option<Bytes>, GivenUp> {
        self.take_at(Instant::now())
    }

    fn take_at(&mut self, now: Instant) -> Result<Option<Bytes>, GivenUp> {
        if self.left == 0 {
            return Ok(None);
        }
        let mut state = self.limiter.lock();
        let mine = state.scrapes.iter_mut().find(|scrape| scrape.id == self.id);
        let Some(sending) = mine.and_then(|scrape| scrape.sending.as_mut()) else {
            self.left = 0;
            return Err(GivenUp);
        };
        let end = sending.bytes().len().min(sending.offset + PIECE);
        let piece = Bytes::copy_from_slice(&sending.bytes()[sending.offset..end]);
        sending.offset = end;
        sending.taken = now;
        drop(state);
        self.left = self.left.saturating_sub(piece.len());
        if self.left == 0 {
            self.limiter.end(self.id);
        }
        Ok(Some(piece))
    }
}

impl Drop for ScrapePieces {
    fn drop(&mut self) {
        self.limiter.end(self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Duration, GivenUp, IDLE, Instant, PIECE, SMALL, STUCK, ScrapeLimiter, ScrapePermit,
    };

    const MS: Duration = Duration::from_millis(1);
    const ALMOST_IDLE: Duration = Duration::from_millis(999);

    fn filled(mut permit: ScrapePermit, pieces: usize) -> ScrapePermit {
        permit.plain().resize(PIECE * pieces, b'x');
        permit
    }

    #[test]
    fn a_place_is_free_when_the_last_piece_is_taken_or_the_response_is_dropped() {
        let limiter = ScrapeLimiter::new(1);
        let mut first = filled(limiter.acquire().expect("free"), 2).send();
        assert_eq!(first.left(), 2 * PIECE);
        for _ in 0..2 {
            assert!(limiter.acquire().is_none(), "it is still being sent");
            assert_eq!(first.take().expect("sent").map(|piece| piece.len()), Some(PIECE));
        }
        let second = filled(limiter.acquire().expect("the first has ended"), 1).send();
        assert_eq!(first.take(), Ok(None));
        drop(first);
        assert!(limiter.acquire().is_none(), "the end of the first is not that of the second");
        drop(second);
        assert!(limiter.acquire().is_some());
    }

    #[test]
    fn at_the_limit_the_oldest_response_that_is_not_read_is_given_up() {
        let limiter = ScrapeLimiter::new(2);
        let start = Instant::now();
        let mut read = filled(limiter.acquire_at(start).expect("free"), 9).send_at(start);
        let mut unread = filled(limiter.acquire_at(start).expect("free"), 9).send_at(start);
        assert!(limiter.acquire_at(start + ALMOST_IDLE).is_none(), "both may still be read");
        read.take_at(start + ALMOST_IDLE).expect("not given up");
        let later = start + IDLE;
        let next = limiter.acquire_at(later).expect("the place of the one that is not read");
        assert!(next.buffers.plain.capacity() >= 9 * PIECE, "its buffer is used again");
        assert_eq!(limiter.lock().scrapes.len(), 2);
        assert_eq!(unread.take_at(later), Err(GivenUp));
        assert_eq!(unread.take_at(later), Ok(None), "an error is the end");
        assert!(read.take_at(later).expect("not given up").is_some());
        assert!(limiter.acquire_at(later).is_none());
        drop(next);
        assert!(limiter.acquire_at(later).is_some());
    }

    #[test]
    fn below_the_limit_nothing_is_given_up() {
        let limiter = ScrapeLimiter::new(2);
        let start = Instant::now();
        let mut slow = filled(limiter.acquire_at(start).expect("free"), 2).send_at(start);
        drop(limiter.acquire_at(start + STUCK * 2).expect("free"));
        assert!(slow.take_at(start + STUCK * 2).is_ok());
    }

    #[test]
    fn a_response_that_is_read_for_longer_than_a_minute_gives_way() {
        let limiter = ScrapeLimiter::new(1);
        let start = Instant::now();
        let mut slow = filled(limiter.acquire_at(start).expect("free"), 9).send_at(start);
        slow.take_at(start + STUCK).expect("not given up");
        assert!(limiter.acquire_at(start + STUCK).is_none());
        assert!(limiter.acquire_at(start + STUCK + MS).is_some());
        assert_eq!(slow.take_at(start + STUCK + MS), Err(GivenUp));
    }

    #[test]
    fn a_scrape_that_is_never_written_does_not_keep_the_others_out() {
        let limiter = ScrapeLimiter::new(1);
        let start = Instant::now();
        let hanging = limiter.acquire_at(start).expect("free");
        assert!(limiter.acquire_at(start + STUCK).is_none(), "it may still be slow");
        let later = start + STUCK + MS;
        let next = limiter.acquire_at(later).expect("the first no longer counts");
        drop(hanging);
        assert!(limiter.acquire_at(later).is_none(), "the second does");
        drop(next);
        assert!(limiter.acquire_at(later).is_some());
    }

    #[test]
    fn a_buffer_is_reused_and_a_far_too_large_one_is_not() {
        let limiter = ScrapeLimiter::new(1);
        drop(filled(limiter.acquire().expect("free"), 8));
        let mut permit = limiter.acquire().expect("free");
        assert!(permit.plain().is_empty() && permit.plain().capacity() >= SMALL * 8);
        permit.plain().push(b'x');
        drop(permit);
        assert!(limiter.acquire().expect("free").plain().capacity() <= SMALL);
    }
}
