//! TLS of a server, from PEM files that are read again when they change.

mod builder;
mod config;
mod handshake;
mod info;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use rustls::ServerConfig;
use tokio_util::sync::CancellationToken;

pub use builder::ServerTlsBuilder;
pub(super) use handshake::handshake;
pub use info::TlsInfo;

use super::reload::Reloaded;

/// TLS for a [`Server`](super::Server): its certificate, its key, and the authorities of client
/// certificates. Cloning is cheap.
///
/// The files are read when it is built, so that a bad one is an error at the start, and again every
/// [`reload_interval`](ServerTlsBuilder::reload_interval). Files that have changed are used for new
/// connections; open connections keep what they have. A change that cannot be used is logged and
/// counted in `sre_kit_http_server_tls_reloads_total`, and the server keeps the files that it read
/// before.
///
/// Clients choose between HTTP/2 and HTTP/1.1 by ALPN. TLS 1.2 and 1.3 are spoken. A Unix socket is
/// served without TLS.
///
/// ```no_run
/// use sre_kit::server::{Server, ServerTls};
///
/// let tls = ServerTls::builder().cert_file("/tls/tls.crt").key_file("/tls/tls.key").build()?;
/// let server = Server::builder().tls(&tls).build()?;
/// # drop(server);
/// # Ok::<(), sre_kit::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct ServerTls {
    config: Arc<Reloaded<Arc<ServerConfig>>>,
    handshake_timeout: Duration,
    reload_interval: Duration,
}

impl ServerTls {
    /// Reads the files again until `stop` is cancelled.
    pub(super) async fn watch(self, stop: CancellationToken) {
        let watching = async {
            loop {
                tokio::time::sleep(self.reload_interval).await;
                let config = Arc::clone(&self.config);
                // A panic of the parser must not end the watch.
                let _ = tokio::task::spawn_blocking(move || config.check()).await;
            }
        };
        stop.run_until_cancelled(watching).await;
    }

    /// Returns the number of reloads, and of changes that could not be used.
    pub(super) fn reloads(&self) -> (&AtomicU64, &AtomicU64) {
        self.config.counts()
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls")
            .field("files", &self.config)
            .field("handshake_timeout", &self.handshake_timeout)
            .field("reload_interval", &self.reload_interval)
            .finish()
    }
}
