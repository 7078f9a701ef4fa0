//! What the accept loops and the connections of one server have in common.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio_util::sync::CancellationToken;

use super::connection::{Conn, OpenGuard};
use super::metrics::Stats;
use super::settings::Settings;
use super::signal::DrainSignal;

/// How far a server is on its way out. It only ever goes forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Business as usual.
    Open,
    /// Connections are accepted and told not to stay.
    Announced,
    /// Nothing is accepted; what is under way is finished.
    Closing,
    /// What hyper still serves is cut off.
    Cut,
    /// Upgraded connections as well.
    Aborted,
}

impl Phase {
    fn from_u8(value: u8) -> Self {
        match value {
            0 => Self::Open,
            1 => Self::Announced,
            2 => Self::Closing,
            3 => Self::Cut,
            _ => Self::Aborted,
        }
    }
}

/// What the accept loops and the connections of one server have in common.
pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) stats: Stats,
    pub(super) signal: DrainSignal,
    /// Cancelled when the listeners are to be closed.
    pub(super) stop: CancellationToken,
    phase: AtomicU8,
    roster: Mutex<Roster>,
    changed: Notify,
}

#[derive(Default)]
struct Roster {
    open: HashMap<u64, Arc<Conn>>,
    next: u64,
    upgraded: usize,
    listeners: usize,
}

/// How many connections are open, by what they do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) active: usize,
    pub(super) idle: usize,
    pub(super) upgraded: usize,
    pub(super) requests: usize,
}

impl Shared {
    pub(super) fn new(settings: Settings, signal: DrainSignal) -> Self {
        Self {
            settings,
            stats: Stats::default(),
            signal,
            stop: CancellationToken::new(),
            phase: AtomicU8::new(Phase::Open as u8),
            roster: Mutex::default(),
            changed: Notify::new(),
        }
    }

    pub(super) fn phase(&self) -> Phase {
        Phase::from_u8(self.phase.load(Ordering::Acquire))
    }

    /// Goes on to `phase` and wakes every connection to see it.
    pub(super) fn advance(&self, phase: Phase) {
        self.phase.fetch_max(phase as u8, Ordering::AcqRel);
        if phase >= Phase::Announced {
            self.signal.begin_draining();
        }
        if phase >= Phase::Closing {
            self.stop.cancel();
            self.signal.begin_closing();
        }
        // Wakers run foreign code, so none runs while the roster is locked.
        let open: Vec<_> = self.lock().open.values().cloned().collect();
        for conn in open {
            conn.waker.wake();
        }
    }

    /// Enters a connection that was accepted.
    pub(super) fn enter(
        self: &Arc<Self>,
        peer: SocketAddr,
        local: SocketAddr,
        permit: OwnedSemaphorePermit,
    ) -> (Arc<Conn>, OpenGuard) {
        let mut roster = self.lock();
        let id = roster.next;
        roster.next += 1;
        let conn = Arc::new(Conn::new(id, Arc::clone(self), peer, local));
        roster.open.insert(id, Arc::clone(&conn));
        drop(roster);
        let open = OpenGuard::new(&conn, permit);
        (conn, open)
    }

    /// The socket of `conn` is closed.
    pub(super) fn leave(&self, conn: &Conn) {
        let mut roster = self.lock();
        roster.open.remove(&conn.id());
        if conn.is_upgraded() {
            roster.upgraded -= 1;
        }
        drop(roster);
        self.changed.notify_waiters();
    }

    /// Hyper is done with `conn`. Is its socket still open, then a handler took it over.
    pub(super) fn released(&self, conn: &Conn) {
        let mut roster = self.lock();
        if roster.open.contains_key(&conn.id()) {
            conn.set_upgraded();
            roster.upgraded += 1;
        }
        drop(roster);
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
        self.wait(|roster| roster.listeners == 0 && roster.open.len() == roster.upgraded).await;
    }

    /// Waits until every upgraded socket is closed.
    pub(super) async fn no_upgraded(&self) {
        self.wait(|roster| roster.upgraded == 0).await;
    }

    async fn wait(&self, done: impl Fn(&Roster) -> bool) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Listening before looking, so that a change in between is not missed.
            changed.as_mut().enable();
            if done(&self.lock()) {
                return;
            }
            changed.await;
        }
    }

    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for conn in self.lock().open.values() {
            let requests = conn.active();
            counts.requests += requests;
            if conn.is_upgraded() {
                counts.upgraded += 1;
            } else if requests > 0 {
                counts.active += 1;
            } else {
                counts.idle += 1;
            }
        }
        counts
    }

    fn lock(&self) -> MutexGuard<'_, Roster> {
        self.roster.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
