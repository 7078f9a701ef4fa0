//! One open connection, and the guards that count it and its requests.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use super::connection_state::ConnectionState;
use super::shared::Shared;

/// One open connection.
pub(super) struct Connection {
    pub(super) shared: Arc<Shared>,
    /// The part that the server's list of open connections holds as well.
    pub(super) state: Arc<ConnectionState>,
    /// `None` on a Unix socket, like `local`.
    pub(super) peer: Option<SocketAddr>,
    pub(super) local: Option<SocketAddr>,
    /// Set by the handshake.
    #[cfg(feature = "tls")]
    pub(super) tls: std::sync::OnceLock<super::tls::TlsInfo>,
}

impl Connection {
    /// Enters an accepted connection into the list of open ones, until the guard is dropped.
    pub(super) fn open(
        shared: &Arc<Shared>,
        peer: Option<SocketAddr>,
        local: Option<SocketAddr>,
        permit: OwnedSemaphorePermit,
    ) -> (Arc<Self>, OpenGuard) {
        let connection = Arc::new(Self {
            shared: Arc::clone(shared),
            state: shared.register(),
            peer,
            local,
            #[cfg(feature = "tls")]
            tls: std::sync::OnceLock::new(),
        });
        let guard = OpenGuard { connection: Arc::clone(&connection), _permit: permit };
        (connection, guard)
    }
}

/// A guard that keeps a connection in the list of open ones.
///
/// It lives in the socket. A socket that an upgrade handler took over is therefore counted until
/// the handler drops it.
#[must_use = "dropping it takes the connection out of the list of open ones"]
pub(super) struct OpenGuard {
    connection: Arc<Connection>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for OpenGuard {
    fn drop(&mut self) {
        self.connection.shared.unregister(&self.connection.state);
    }
}

/// A guard that counts one request from its dispatch to the end of its response body.
#[must_use = "dropping it ends the request"]
pub(super) struct RequestGuard {
    connection: Arc<Connection>,
}

impl RequestGuard {
    pub(super) fn begin(connection: &Arc<Connection>) -> Self {
        connection.state.request_started();
        Self { connection: Arc::clone(connection) }
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        self.connection.state.request_ended();
    }
}
