//! The listener while it runs.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::Instant;

use super::builder::Listen;
use super::service::AdminService;
use crate::ConfigError;
use crate::server::{RunningServer, Unfinished};

pub(super) async fn start(
    service: AdminService,
    listen: Listen,
) -> Result<RunningAdmin, ConfigError> {
    let Listen { address, server } = listen;
    let server = server.server()?;
    let listener = TcpListener::bind(address).await.map_err(|error| explain(address, &error))?;
    let local = listener.local_addr().map_err(|error| explain(address, &error))?;
    Ok(RunningAdmin { address: local, serving: server.start(listener, service) })
}

fn explain(address: SocketAddr, error: &io::Error) -> ConfigError {
    let (rule, advice) = match error.kind() {
        io::ErrorKind::AddrInUse => (
            "something listens there already".to_owned(),
            "stop it (`ss -ltnp` names it), or listen on another port",
        ),
        io::ErrorKind::AddrNotAvailable => (
            "that address is not one of this machine's".to_owned(),
            "use 127.0.0.1, or 0.0.0.0 for all of them",
        ),
        io::ErrorKind::PermissionDenied => {
            ("this user may not listen there".to_owned(), "use a port above 1023")
        }
        _ => (format!("it cannot be listened on: {error}"), "choose another address"),
    };
    ConfigError::new("admin.listen", format_args!("{address}"), rule, advice)
}

/// An admin listener that answers. Dropping it closes it at once.
#[derive(Debug)]
#[must_use = "dropping it ends the listener at once"]
pub struct RunningAdmin {
    address: SocketAddr,
    serving: RunningServer,
}

impl RunningAdmin {
    /// The address that was bound, with the port that the system picked.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Connections that are open.
    pub fn open_connections(&self) -> usize {
        self.serving.open_connections()
    }

    /// Stops accepting and lets what is under way finish; at `deadline` the rest is
    /// cut off. To be called when everything else has ended, so that probes are
    /// answered and the last counts are scraped until then.
    ///
    /// # Cancel safety
    ///
    /// May be dropped and called again.
    pub async fn close(&self, deadline: Instant) -> Unfinished {
        self.serving.close(deadline).await
    }

    /// [`close`](Self::close) with a bound instead of a deadline.
    pub async fn shutdown(self, bound: Duration) -> Unfinished {
        self.close(Instant::now() + bound).await
    }
}

/// For [`Lifecycle::add_admin_server`](crate::lifecycle::Lifecycle::add_admin_server),
/// which closes it when everything else has ended.
impl From<RunningAdmin> for RunningServer {
    fn from(admin: RunningAdmin) -> Self {
        admin.serving
    }
}
