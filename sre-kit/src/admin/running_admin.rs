//! The admin listener while it runs.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::Instant;

use super::listen::{Listen, ListenAddress};
use super::service::AdminService;
use crate::ConfigError;
use crate::server::{Listeners, RunningServer, Unfinished};

/// Binds the address and serves `service`.
///
/// # Errors
///
/// Returns an error if the address cannot be bound, or the server cannot be built.
pub(super) async fn start(
    service: AdminService,
    listen: Listen,
) -> Result<RunningAdmin, ConfigError> {
    let Listen { address, server } = listen;
    let server = server.build()?;
    let bound = bind(&address).await.map_err(|error| explain(&address, &error))?;
    let (listeners, local) = bound;
    let service = service.bound_to(&address);
    Ok(RunningAdmin { address: local, server: server.start(listeners, service) })
}

/// Binds `address`. Returns the address with the port that the system picked, for TCP.
async fn bind(address: &ListenAddress) -> io::Result<(Listeners, Option<SocketAddr>)> {
    match address {
        ListenAddress::Tcp(address) => {
            let listener = TcpListener::bind(address).await?;
            let local = listener.local_addr()?;
            Ok((listener.into(), Some(local)))
        }
        #[cfg(unix)]
        ListenAddress::Unix(path) => {
            let listener = super::unix_socket::bind(path)?;
            Ok((Listeners::of_unix_path(listener, path.clone()), None))
        }
        #[cfg(not(unix))]
        ListenAddress::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// Returns an error that says why `address` cannot be bound, and what to do.
fn explain(address: &ListenAddress, error: &io::Error) -> ConfigError {
    let (rule, advice) = match error.kind() {
        io::ErrorKind::AddrInUse => (
            "something listens there already".to_owned(),
            "stop it (`ss -ltnp` names it), or listen on another port",
        ),
        io::ErrorKind::AddrNotAvailable => (
            "that address is not one of this machine's".to_owned(),
            "use 127.0.0.1, or 0.0.0.0 for all of them",
        ),
        io::ErrorKind::NotFound => {
            ("its directory does not exist".to_owned(), "make it, or choose another address")
        }
        io::ErrorKind::PermissionDenied => {
            let advice = match address {
                ListenAddress::Tcp(_) => "use a port above 1023",
                ListenAddress::Unix(_) => "use a directory that this user may write to",
            };
            ("this user may not listen there".to_owned(), advice)
        }
        _ => (format!("it cannot be listened on: {error}"), "choose another address"),
    };
    ConfigError::new("admin.listen", format_args!("{address}"), rule, advice)
}

/// An admin listener that runs in the background. Dropping it closes it at once.
#[derive(Debug)]
#[must_use = "dropping it ends the listener at once"]
pub struct RunningAdmin {
    address: Option<SocketAddr>,
    server: RunningServer,
}

impl RunningAdmin {
    /// Returns the bound address, with the port that the system picked if it was 0. Returns `None` on
    /// a Unix socket.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Returns the number of open connections.
    pub fn open_connections(&self) -> usize {
        self.server.open_connections()
    }

    /// Stops accepting and waits for the requests in flight. Closes the remaining connections by
    /// force at `deadline`, and returns how many there were.
    ///
    /// Call it when everything else has ended, so that probes and a last scrape are answered until
    /// then.
    ///
    /// # Cancel safety
    ///
    /// This future is cancel safe: it can be dropped and made again.
    pub async fn close(&self, deadline: Instant) -> Unfinished {
        self.server.close(deadline).await
    }

    /// Closes the listener like [`close`](Self::close), with the deadline `bound` from now.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: dropping the future closes the listener at once.
    pub async fn shutdown(self, bound: Duration) -> Unfinished {
        self.server.shutdown(bound).await
    }
}

/// Converts it for
/// [`Lifecycle::add_admin_server`](crate::lifecycle::Lifecycle::add_admin_server), which closes it
/// when everything else has ended.
impl From<RunningAdmin> for RunningServer {
    fn from(admin: RunningAdmin) -> Self {
        admin.server
    }
}
