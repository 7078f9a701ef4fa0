//! What a handler can learn about the connection of its request.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use super::connection::Connection;
use super::drain_signal::DrainSignal;

/// The connection that a request arrived on. [`Server`](super::Server) puts it into the
/// extensions of every request.
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
    connection: Arc<Connection>,
}

impl ConnectionInfo {
    pub(super) fn new(connection: &Arc<Connection>) -> Self {
        Self { connection: Arc::clone(connection) }
    }

    /// Returns the remote address: that of the client, or of the proxy in between. Returns `None` on
    /// a Unix socket.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.connection.peer
    }

    /// Returns the local address that the connection was accepted on, or `None` on a Unix socket.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.connection.local
    }

    /// Returns the TLS of the connection, or `None` if it has none.
    #[cfg(feature = "tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
    pub fn tls(&self) -> Option<&super::TlsInfo> {
        self.connection.tls.get()
    }

    /// Returns the signal that the server drains, so that a stream can end itself.
    pub fn drain_signal(&self) -> &DrainSignal {
        &self.connection.shared.signal
    }
}

impl fmt::Debug for ConnectionInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionInfo")
            .field("peer_addr", &self.peer_addr())
            .field("local_addr", &self.local_addr())
            .field("drain_signal", self.drain_signal())
            .finish()
    }
}
