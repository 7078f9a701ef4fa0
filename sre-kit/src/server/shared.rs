//! The state that the accept loops and the connections of one server share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use sre_kit_core::internal::{Clock, Reading};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::connection_state::ConnectionState;
use super::drain_signal::DrainSignal;
use super::phase::Phase;
use super::settings::Settings;
use super::stats::Stats;

/// How long a client may leave a request waiting for it before its connection can be closed for
/// another one. Round trips take less.
const STALLED_MILLIS: u64 = 500;

/// The state that the accept loops and the connections of one server share.
pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) stats: Stats,
    pub(super) signal: DrainSignal,
    /// Cancelled when the listeners have to be closed.
    pub(super) stop: CancellationToken,
    phase: AtomicU8,
    created: Instant,
    clock: Clock,
    created_reading: Reading,
    /// Set when the server starts.
    max_connections: OnceLock<usize>,
    open: Mutex<OpenSockets>,
    /// Notified after every change of `open` that a drain may wait for.
    changed: Notify,
}

/// The open connections and listeners.
#[derive(Default)]
struct OpenSockets {
    connections: HashMap<u64, Arc<ConnectionState>>,
    next_id: u64,
    upgraded: usize,
    listeners: usize,
}

/// The number of open connections, by what they do, and of their requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ConnectionCounts {
    pub(super) active: usize,
    pub(super) idle: usize,
    pub(super) upgraded: usize,
    pub(super) requests: usize,
}

impl Shared {
    pub(super) fn new(settings: Settings, signal: DrainSignal) -> Self {
        let clock = Clock::new();
        Self {
            settings,
            stats: Stats::default(),
            signal,
            stop: CancellationToken::new(),
            phase: AtomicU8::new(Phase::Open as u8),
            created: Instant::now(),
            created_reading: clock.read(),
            clock,
            max_connections: OnceLock::new(),
            open: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Returns how many connections may be open at the same time.
    pub(super) fn max_connections(&self) -> usize {
        let Settings { max_connections, default_connections, .. } = self.settings;
        let wanted = max_connections.unwrap_or(default_connections);
        self.max_connections.get().copied().unwrap_or(wanted)
    }

    /// Sets how many connections may be open, once.
    pub(super) fn bound_connections(&self, limit: usize) {
        // A server starts once.
        let _ = self.max_connections.set(limit);
    }

    pub(super) fn phase(&self) -> Phase {
        Phase::from_u8(self.phase.load(Ordering::Acquire))
    }

    /// Returns the milliseconds since the server was built.
    pub(super) fn millis(&self) -> u64 {
        u64::try_from(self.created.elapsed().as_millis()).unwrap_or(u64::MAX - 1)
    }

    /// Returns the milliseconds since the server was built by the clock of requests, which takes a
    /// tenth of the instructions. It runs on while tokio's time is paused.
    pub(super) fn clock_millis(&self) -> u64 {
        self.clock.nanos_since(self.created_reading) / 1_000_000
    }

    /// Advances to `phase` and wakes every connection to see it.
    pub(super) fn advance(&self, phase: Phase) {
        // The phase is stored before anything is woken: a task that registers its waker and then
        // reads the phase cannot miss both.
        self.phase.fetch_max(phase as u8, Ordering::AcqRel);
        if phase >= Phase::Announced {
            self.signal.begin_draining();
        }
        if phase >= Phase::Closing {
            self.stop.cancel();
            self.signal.begin_closing();
        }
        // Wakers run foreign code, so none runs while the list is locked.
        let connections: Vec<_> = self.lock().connections.values().cloned().collect();
        for connection in connections {
            connection.waker.wake();
        }
    }

    /// Adds a connection to the list of open ones.
    pub(super) fn register(&self) -> Arc<ConnectionState> {
        let now = self.clock_millis();
        let mut open = self.lock();
        let id = open.next_id;
        open.next_id += 1;
        let connection = Arc::new(ConnectionState::new(id, now));
        open.connections.insert(id, Arc::clone(&connection));
        connection
    }

    /// Removes a connection from the list, after its socket was closed.
    pub(super) fn unregister(&self, connection: &ConnectionState) {
        let mut open = self.lock();
        open.connections.remove(&connection.id());
        if connection.is_upgraded() {
            open.upgraded -= 1;
        }
        drop(open);
        self.changed.notify_waiters();
    }

    /// Records that hyper has released `connection`. If its socket is still open, an upgrade
    /// handler took it over.
    pub(super) fn released(&self, connection: &ConnectionState) {
        let mut open = self.lock();
        // Under the lock, so that `unregister` either ran before and removed the id, or runs
        // later and sees the flag.
        if open.connections.contains_key(&connection.id()) {
            connection.set_upgraded();
            open.upgraded += 1;
        }
        drop(open);
        self.changed.notify_waiters();
    }

    pub(super) fn listener_opened(&self) {
        self.lock().listeners += 1;
    }

    pub(super) fn listener_closed(&self) {
        self.lock().listeners -= 1;
        self.changed.notify_waiters();
    }

    /// Waits until hyper serves no connection and no listener is open.
    pub(super) async fn quiet(&self) {
        self.wait(|open| open.listeners == 0 && open.connections.len() == open.upgraded).await;
    }

    /// Waits until every upgraded socket is closed.
    pub(super) async fn no_upgraded(&self) {
        self.wait(|open| open.upgraded == 0).await;
    }

    async fn wait(&self, done: impl Fn(&OpenSockets) -> bool) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Enabled before the check, so that a change in between is not missed.
            changed.as_mut().enable();
            if done(&self.lock()) {
                return;
            }
            changed.await;
        }
    }

    /// Asks the connections that have waited for their clients longest to end, at most `count` of
    /// them. One that is in use has to have waited for [`STALLED_MILLIS`]. Returns how many were
    /// asked.
    pub(super) fn evict(&self, count: usize) -> usize {
        let now = self.millis();
        let mut waiting: Vec<_> = self
            .lock()
            .connections
            .values()
            .filter(|connection| !connection.is_asked_to_end())
            .filter_map(|connection| {
                let since = connection.waits_for_client_since()?;
                let stalled = now.saturating_sub(since) >= STALLED_MILLIS;
                // A connection without a request goes before one that a client may come back to,
                // and in the same millisecond the older one before the newer.
                (stalled || !connection.is_in_use()).then(|| {
                    ((connection.is_in_use(), since, connection.id()), Arc::clone(connection))
                })
            })
            .collect();
        if waiting.len() > count && count > 0 {
            waiting.select_nth_unstable_by_key(count - 1, |(rank, _)| *rank);
            waiting.truncate(count);
        }
        for (_, connection) in &waiting {
            connection.evict();
        }
        waiting.len()
    }

    /// Counts the open connections and their requests.
    pub(super) fn counts(&self) -> ConnectionCounts {
        let mut counts = ConnectionCounts::default();
        for connection in self.lock().connections.values() {
            let requests = connection.requests_in_flight();
            counts.requests += requests;
            if connection.is_upgraded() {
                counts.upgraded += 1;
            } else if requests > 0 {
                counts.active += 1;
            } else {
                counts.idle += 1;
            }
        }
        counts
    }

    fn lock(&self) -> MutexGuard<'_, OpenSockets> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
