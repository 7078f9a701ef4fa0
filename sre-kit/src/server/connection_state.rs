//! The counters and flags of one open connection.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use futures_util::task::AtomicWaker;

/// The counters and flags of one open connection.
///
/// Each connection has counters of its own, so that requests on different connections share no
/// cache line.
pub(super) struct ConnectionState {
    id: u64,
    requests_started: AtomicU64,
    requests_in_flight: AtomicUsize,
    reading_head: AtomicBool,
    multiplexed: AtomicBool,
    upgraded: AtomicBool,
    /// Wakes the task that drives the connection, or the handler that upgraded it.
    pub(super) waker: AtomicWaker,
}

impl ConnectionState {
    pub(super) fn new(id: u64) -> Self {
        Self {
            id,
            requests_started: AtomicU64::new(0),
            requests_in_flight: AtomicUsize::new(0),
            reading_head: AtomicBool::new(false),
            multiplexed: AtomicBool::new(false),
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

    /// Returns whether a part of a request head has arrived.
    pub(super) fn is_reading_head(&self) -> bool {
        self.reading_head.load(Ordering::Acquire)
    }

    /// Records that bytes arrived. Between two requests, they are the start of a request head.
    pub(super) fn bytes_arrived(&self) {
        if self.requests_in_flight() == 0 {
            self.reading_head.store(true, Ordering::Release);
        }
    }

    /// Records the start of a request.
    pub(super) fn request_started(&self) {
        // In flight first: a connection that has started a request is never seen as idle before
        // that request has ended.
        self.requests_in_flight.fetch_add(1, Ordering::AcqRel);
        self.requests_started.fetch_add(1, Ordering::AcqRel);
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

    /// Records that the connection speaks HTTP/2.
    pub(super) fn set_multiplexed(&self) {
        self.multiplexed.store(true, Ordering::Release);
    }

    pub(super) fn is_multiplexed(&self) -> bool {
        self.multiplexed.load(Ordering::Acquire)
    }

    /// Records that an upgrade handler took the socket over.
    pub(super) fn set_upgraded(&self) {
        self.upgraded.store(true, Ordering::Release);
    }

    pub(super) fn is_upgraded(&self) -> bool {
        self.upgraded.load(Ordering::Acquire)
    }
}
