//! The counters and flags of one open connection.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use futures_util::task::AtomicWaker;

/// The value of a time that is not set.
const NEVER: u64 = u64::MAX;

/// The counters and flags of one open connection.
///
/// Each connection has counters of its own, so that requests on different connections share no
/// cache line.
pub(super) struct ConnectionState {
    id: u64,
    requests_started: AtomicU64,
    requests_in_flight: AtomicUsize,
    /// Request bodies that have not arrived yet, also those that outlive their responses.
    open_bodies: AtomicUsize,
    reading_head: AtomicBool,
    /// Whether the last request had a body.
    had_body: AtomicBool,
    /// The last four bytes that arrived.
    tail: AtomicU32,
    /// The reads that returned something.
    reads: AtomicU64,
    /// The writes that the client has taken.
    writes: AtomicU64,
    /// Milliseconds since the server's start, or [`NEVER`].
    write_blocked_since: AtomicU64,
    body_awaited_since: AtomicU64,
    idle_since: AtomicU64,
    /// Whether the connection should make room for another one.
    evicted: AtomicBool,
    multiplexed: AtomicBool,
    /// Whether an upgrade handler may take the socket over.
    upgrading: AtomicBool,
    upgraded: AtomicBool,
    /// Wakes the task that drives the connection, or the handler that upgraded it.
    pub(super) waker: AtomicWaker,
}

impl ConnectionState {
    /// Creates the state of a connection that was accepted at `now`.
    pub(super) fn new(id: u64, now: u64) -> Self {
        Self {
            id,
            requests_started: AtomicU64::new(0),
            requests_in_flight: AtomicUsize::new(0),
            open_bodies: AtomicUsize::new(0),
            reading_head: AtomicBool::new(false),
            had_body: AtomicBool::new(false),
            tail: AtomicU32::new(0),
            reads: AtomicU64::new(0),
            writes: AtomicU64::new(0),
            write_blocked_since: AtomicU64::new(NEVER),
            body_awaited_since: AtomicU64::new(NEVER),
            idle_since: AtomicU64::new(now),
            evicted: AtomicBool::new(false),
            multiplexed: AtomicBool::new(false),
            upgrading: AtomicBool::new(false),
            upgraded: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        }
    }

    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// Returns how many requests have started on this connection.
    pub(super) fn requests_started(&self) -> u64 {
        self.requests_started.load(Ordering::Acquire)
    }

    /// Returns how many requests are in flight, until the ends of their response bodies.
    pub(super) fn requests_in_flight(&self) -> usize {
        self.requests_in_flight.load(Ordering::Acquire)
    }

    /// Returns whether a request is in flight, or a request body has not arrived yet.
    pub(super) fn is_in_use(&self) -> bool {
        self.requests_in_flight() > 0 || self.open_bodies.load(Ordering::Acquire) > 0
    }

    /// Returns whether a part of a request head has arrived. Only for HTTP/1 between two requests.
    pub(super) fn is_reading_head(&self) -> bool {
        self.reading_head.load(Ordering::Acquire) || self.has_half_a_head()
    }

    /// Returns whether bytes that arrived with the last request, or while it was in flight, are the
    /// beginning of another one.
    ///
    /// A request without a body ends with an empty line, and a whole head behind it would have become
    /// a request. The last bytes of a request with a body say nothing.
    fn has_half_a_head(&self) -> bool {
        if self.requests_started() == 0 || self.had_body.load(Ordering::Acquire) {
            return false;
        }
        let tail = self.tail.load(Ordering::Acquire).to_be_bytes();
        // Hyper takes lines that end with LF alone.
        !(tail.ends_with(b"\n\r\n") || tail.ends_with(b"\n\n"))
    }

    /// Records bytes that arrived. Between two requests, they are the start of a request head.
    pub(super) fn bytes_arrived(&self, bytes: &[u8]) {
        let tail = match bytes.last_chunk::<4>() {
            Some(last) => u32::from_be_bytes(*last),
            None => bytes
                .iter()
                .fold(self.tail.load(Ordering::Relaxed), |tail, byte| tail << 8 | u32::from(*byte)),
        };
        self.tail.store(tail, Ordering::Release);
        // Only the task that drives the connection reads.
        self.reads.store(self.reads.load(Ordering::Relaxed) + 1, Ordering::Release);
        if !self.is_in_use() {
            self.reading_head.store(true, Ordering::Release);
        }
    }

    /// Records the start of a request.
    pub(super) fn request_started(&self) {
        // In flight first: a connection that has started a request is never seen as idle before
        // that request has ended.
        self.requests_in_flight.fetch_add(1, Ordering::AcqRel);
        self.requests_started.fetch_add(1, Ordering::AcqRel);
        self.had_body.store(false, Ordering::Release);
        self.reading_head.store(false, Ordering::Release);
    }

    /// Records the end of a request, and wakes the connection's task if it must learn of it.
    pub(super) fn request_ended(&self) {
        // HTTP/2 streams run in tasks of their own, so the connection's task does not see that
        // the connection has become idle.
        if self.requests_in_flight.fetch_sub(1, Ordering::AcqRel) == 1 && self.is_multiplexed() {
            self.waker.wake();
        }
    }

    /// Records that the request that has just started has a body.
    pub(super) fn body_began(&self) {
        self.open_bodies.fetch_add(1, Ordering::AcqRel);
        self.had_body.store(true, Ordering::Release);
    }

    /// Records that a request body has arrived, or was given up. Any task may have read it.
    pub(super) fn body_ended(&self) {
        if self.open_bodies.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.waker.wake();
        }
    }

    /// Records that a service waits for the client to send more of a request body.
    pub(super) fn wait_for_body(&self, now: u64) {
        self.body_awaited_since.store(now, Ordering::Release);
    }

    /// Records that no service waits for more of a request body, or that the client may be silent.
    pub(super) fn end_wait_for_body(&self) {
        self.body_awaited_since.store(NEVER, Ordering::Release);
    }

    /// Records that the socket takes no byte, because the client does not read.
    pub(super) fn write_blocked(&self, now: impl FnOnce() -> u64) {
        if self.write_blocked_since.load(Ordering::Relaxed) == NEVER {
            self.write_blocked_since.store(now(), Ordering::Release);
        }
    }

    /// Records that the socket took bytes.
    pub(super) fn wrote(&self) {
        // Only the task that drives the connection writes.
        self.writes.store(self.writes.load(Ordering::Relaxed) + 1, Ordering::Release);
        self.write_unblocked();
    }

    /// Records that nothing waits for the client to read.
    pub(super) fn write_unblocked(&self) {
        if self.write_blocked_since.load(Ordering::Relaxed) != NEVER {
            self.write_blocked_since.store(NEVER, Ordering::Release);
        }
    }

    /// Returns how many reads returned something.
    pub(super) fn reads(&self) -> u64 {
        self.reads.load(Ordering::Acquire)
    }

    /// Returns how many writes the client has taken.
    pub(super) fn writes(&self) -> u64 {
        self.writes.load(Ordering::Acquire)
    }

    /// Returns since when the client has read nothing although there is something to read.
    pub(super) fn write_blocked_since(&self) -> Option<u64> {
        Some(self.write_blocked_since.load(Ordering::Acquire)).filter(|since| *since != NEVER)
    }

    /// Records that the connection has no request in flight any more.
    pub(super) fn set_idle_since(&self, now: u64) {
        self.idle_since.store(now, Ordering::Release);
    }

    /// Returns since when the connection waits for its client, or `None` if it works for it.
    pub(super) fn waits_for_client_since(&self) -> Option<u64> {
        if self.is_upgraded() {
            return None;
        }
        if !self.is_in_use() {
            return Some(self.idle_since.load(Ordering::Acquire));
        }
        // On HTTP/2 one stream of many may wait for its body.
        let body = self.body_awaited_since.load(Ordering::Acquire);
        let body = Some(body).filter(|since| *since != NEVER && !self.is_multiplexed());
        self.write_blocked_since().or(body)
    }

    /// Asks the connection to end, because another one needs its place.
    pub(super) fn evict(&self) {
        self.evicted.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// Returns whether the connection has to end for another one. A request that came meanwhile
    /// keeps it open.
    pub(super) fn is_evicted(&self) -> bool {
        self.evicted.load(Ordering::Acquire)
            && (self.waits_for_client_since().is_some() || {
                self.evicted.store(false, Ordering::Release);
                false
            })
    }

    /// Returns whether the connection was asked to end and has not answered yet.
    pub(super) fn is_asked_to_end(&self) -> bool {
        self.evicted.load(Ordering::Acquire)
    }

    /// Records that the connection speaks HTTP/2.
    pub(super) fn set_multiplexed(&self) {
        self.multiplexed.store(true, Ordering::Release);
    }

    pub(super) fn is_multiplexed(&self) -> bool {
        self.multiplexed.load(Ordering::Acquire)
    }

    /// Records that an upgrade handler may take the socket over, before it can.
    pub(super) fn set_upgrading(&self) {
        self.upgrading.store(true, Ordering::Release);
    }

    /// Returns whether an upgrade handler may have taken the socket over.
    pub(super) fn is_upgrading(&self) -> bool {
        self.upgrading.load(Ordering::Acquire)
    }

    /// Records that an upgrade handler took the socket over.
    pub(super) fn set_upgraded(&self) {
        self.upgraded.store(true, Ordering::Release);
    }

    pub(super) fn is_upgraded(&self) -> bool {
        self.upgraded.load(Ordering::Acquire)
    }
}
