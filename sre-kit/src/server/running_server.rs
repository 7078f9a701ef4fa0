//! A server that runs, and its graceful shutdown.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};

use super::phase::Phase;
use super::shared::Shared;
use super::unfinished::Unfinished;

/// How long the tasks of connections that are closed by force have to end.
const FORCED_CLOSE_TIME: Duration = Duration::from_millis(100);

/// The longest bound of a shutdown. A longer one would overflow an `Instant`.
const MAX_BOUND: Duration = Duration::from_hours(30 * 365 * 24);

/// A server that runs in the background. Dropping it closes its listeners and connections at
/// once.
///
/// A graceful shutdown is one call, [`shutdown`](Self::shutdown) or [`close`](Self::close), or
/// its steps one by one: [`announce`](Self::announce), [`stop_accepting`](Self::stop_accepting),
/// [`drain`](Self::drain), [`close_upgraded`](Self::close_upgraded).
///
/// # Cancel safety
///
/// The futures that borrow the server are cancel safe: one that was dropped can be made again, and
/// a step that has begun is not undone. [`shutdown`](Self::shutdown) owns the server: dropping its
/// future closes everything at once.
#[must_use = "dropping it ends the server at once"]
pub struct RunningServer {
    shared: Arc<Shared>,
}

impl RunningServer {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Returns the number of open connections, including the upgraded ones.
    pub fn open_connections(&self) -> usize {
        let counts = self.shared.counts();
        counts.active + counts.idle + counts.upgraded
    }

    /// Returns the number of open connections that were upgraded to another protocol.
    pub fn upgraded_connections(&self) -> usize {
        self.shared.counts().upgraded
    }

    /// Returns the number of requests in flight. A request ends with its response body.
    pub fn requests_in_flight(&self) -> usize {
        self.shared.counts().requests
    }

    /// Asks clients to reconnect elsewhere while the server still accepts: HTTP/1 responses carry
    /// `Connection: close`, and HTTP/2 connections get a GOAWAY, after which requests that are
    /// already on the way are still served.
    ///
    /// Gives the first step of the [`DrainSignal`](super::DrainSignal). Returns at once.
    pub fn announce(&self) {
        self.shared.advance(Phase::Announced);
    }

    /// Closes the listeners and the idle connections, and gives the second step of the
    /// [`DrainSignal`](super::DrainSignal), with which streams and upgraded connections end.
    /// Requests in flight go on. Returns at once.
    ///
    /// A connection that has not sent a request yet stays open for another 200 ms, because its
    /// first request may be on the way.
    pub fn stop_accepting(&self) {
        self.shared.advance(Phase::Closing);
    }

    /// Stops accepting and waits until no request is in flight. Closes the remaining connections
    /// by force at `deadline`, and returns how many of them had a request in flight.
    ///
    /// Does not wait for upgraded connections; see [`close_upgraded`](Self::close_upgraded).
    pub async fn drain(&self, deadline: Instant) -> Unfinished {
        self.stop_accepting();
        if timeout_at(deadline, self.shared.quiet()).await.is_ok() {
            return Unfinished::default();
        }
        let counts = self.shared.counts();
        self.shared.advance(Phase::Cut);
        // A handler that blocks its thread cannot be stopped, so the wait is bounded.
        let _ = timeout(FORCED_CLOSE_TIME, self.shared.quiet()).await;
        Unfinished {
            // One without a request has lost nothing.
            connections: counts.active,
            requests: counts.requests,
            upgraded: 0,
        }
    }

    /// Waits until every upgraded connection is closed. Closes the remaining ones by force at
    /// `deadline`, and returns how many there were.
    pub async fn close_upgraded(&self, deadline: Instant) -> usize {
        if timeout_at(deadline, self.shared.no_upgraded()).await.is_ok() {
            return 0;
        }
        let left = self.shared.counts().upgraded;
        self.shared.advance(Phase::Aborted);
        let _ = timeout(FORCED_CLOSE_TIME, self.shared.no_upgraded()).await;
        left
    }

    /// Drains, then waits until every upgraded connection is closed as well. Closes the remaining
    /// connections by force at `deadline`, and returns how many there were.
    pub async fn close(&self, deadline: Instant) -> Unfinished {
        let unfinished = self.drain(deadline).await;
        Unfinished { upgraded: self.close_upgraded(deadline).await, ..unfinished }
    }

    /// Closes the server like [`close`](Self::close), with the deadline `bound` from now.
    pub async fn shutdown(self, bound: Duration) -> Unfinished {
        self.close(Instant::now() + bound.min(MAX_BOUND)).await
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        self.shared.advance(Phase::Aborted);
    }
}

impl fmt::Debug for RunningServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningServer")
            .field("name", &self.shared.settings.name)
            .field("phase", &self.shared.phase())
            .field("connections", &self.shared.counts())
            .finish()
    }
}
