//! What a handler can learn about the connection of its request.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use super::connection::Connection;
use super::drain_signal::DrainSignal;

/// The connection that a request arrived on.
///
/// A service of a [`Server`](super::Server) gets it from the request's body:
///
/// ```
/// use sre_kit::server::{DrainSignal, RequestBody};
///
/// fn drain_signal(request: &http::Request<RequestBody>) -> DrainSignal {
///     request.body().connection_info().drain_signal().clone()
/// }
/// # let _ = drain_signal;
/// ```
///
/// A framework that wraps the body, as axum does, hides it. With
/// [`connection_info(true)`](super::ServerBuilder::connection_info), each request also has it as an
/// extension:
///
/// ```
/// use axum::extract::Extension;
/// use sre_kit::server::ConnectionInfo;
///
/// async fn peer(Extension(connection): Extension<ConnectionInfo>) -> String {
///     format!("{:?}", connection.peer_addr())
/// }
/// # let _: axum::Router = axum::Router::new().route("/", axum::routing::get(peer));
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
