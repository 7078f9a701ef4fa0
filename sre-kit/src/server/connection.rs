//! One open connection.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use futures_util::task::AtomicWaker;
use tokio::sync::OwnedSemaphorePermit;

use super::shared::Shared;
use super::signal::DrainSignal;

/// What is known of one connection. Its counters are its own, so that requests
/// on different connections share no cache line.
pub(super) struct Conn {
    id: u64,
    pub(super) shared: Arc<Shared>,
    peer: SocketAddr,
    local: SocketAddr,
    begun: AtomicU64,
    active: AtomicUsize,
    reading: AtomicBool,
    multiplexed: AtomicBool,
    upgraded: AtomicBool,
    pub(super) waker: AtomicWaker,
}

impl Conn {
    pub(super) fn new(id: u64, shared: Arc<Shared>, peer: SocketAddr, local: SocketAddr) -> Self {
        Self {
            id,
            shared,
            peer,
            local,
            begun: AtomicU64::new(0),
            active: AtomicUsize::new(0),
            reading: AtomicBool::new(false),
            multiplexed: AtomicBool::new(false),
            upgraded: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        }
    }

    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// Requests that began on this connection.
    pub(super) fn begun(&self) -> u64 {
        self.begun.load(Ordering::Acquire)
    }

    /// Requests under way, to the end of their bodies.
    pub(super) fn active(&self) -> usize {
        self.active.load(Ordering::Acquire)
    }

    /// Whether a part of a request head has arrived.
    pub(super) fn is_reading(&self) -> bool {
        self.reading.load(Ordering::Acquire)
    }

    /// Bytes came in. Between requests they are the beginning of a head.
    pub(super) fn bytes_arrived(&self) {
        if self.active() == 0 {
            self.reading.store(true, Ordering::Release);
        }
    }

    pub(super) fn set_multiplexed(&self) {
        self.multiplexed.store(true, Ordering::Release);
    }

    pub(super) fn is_multiplexed(&self) -> bool {
        self.multiplexed.load(Ordering::Acquire)
    }

    pub(super) fn set_upgraded(&self) {
        self.upgraded.store(true, Ordering::Release);
    }

    /// Whether a handler took the socket over.
    pub(super) fn is_upgraded(&self) -> bool {
        self.upgraded.load(Ordering::Acquire)
    }
}

/// Keeps a connection on the roster. It lives in the socket, so that a socket
/// that was handed to an upgrade handler counts until that one lets go of it.
pub(super) struct OpenGuard {
    conn: Arc<Conn>,
    _permit: OwnedSemaphorePermit,
}

impl OpenGuard {
    pub(super) fn new(conn: &Arc<Conn>, permit: OwnedSemaphorePermit) -> Self {
        Self { conn: Arc::clone(conn), _permit: permit }
    }
}

impl Drop for OpenGuard {
    fn drop(&mut self) {
        self.conn.shared.leave(&self.conn);
    }
}

/// Counts one request from its dispatch to the end of its response body.
pub(super) struct RequestGuard {
    conn: Arc<Conn>,
}

impl RequestGuard {
    pub(super) fn begin(conn: &Arc<Conn>) -> Self {
        conn.active.fetch_add(1, Ordering::AcqRel);
        conn.begun.fetch_add(1, Ordering::AcqRel);
        conn.reading.store(false, Ordering::Release);
        Self { conn: Arc::clone(conn) }
    }

    pub(super) fn conn(&self) -> &Conn {
        &self.conn
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        // HTTP/2 streams run in tasks of their own; the connection's task must
        // learn that it has become idle.
        if self.conn.active.fetch_sub(1, Ordering::AcqRel) == 1 && self.conn.is_multiplexed() {
            self.conn.waker.wake();
        }
    }
}

/// The connection that a request came in on. [`Server`](super::Server) leaves
/// it in the extensions of every request.
///
/// ```
/// use sre_kit::server::{ConnectionInfo, DrainSignal};
///
/// fn drain_signal<B>(request: &http::Request<B>) -> Option<DrainSignal> {
///     request.extensions().get::<ConnectionInfo>().map(|info| info.drain_signal().clone())
/// }
/// # assert!(drain_signal(&http::Request::new(())).is_none());
/// ```
#[derive(Clone)]
pub struct ConnectionInfo {
    conn: Arc<Conn>,
}

impl ConnectionInfo {
    pub(super) fn new(conn: &Arc<Conn>) -> Self {
        Self { conn: Arc::clone(conn) }
    }

    /// The address at the other end: of the client, or of the proxy in between.
    pub fn peer_addr(&self) -> SocketAddr {
        self.conn.peer
    }

    /// The address that the connection was accepted on.
    pub fn local_addr(&self) -> SocketAddr {
        self.conn.local
    }

    /// Tells when the process drains, so that a stream can end itself.
    pub fn drain_signal(&self) -> &DrainSignal {
        &self.conn.shared.signal
    }
}

impl fmt::Debug for ConnectionInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionInfo")
            .field("peer_addr", &self.conn.peer)
            .field("local_addr", &self.conn.local)
            .field("drain_signal", self.drain_signal())
            .finish()
    }
}
