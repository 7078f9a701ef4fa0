//! Where and how the admin listener listens.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::ConfigError;
use crate::server::{ConnectionMetrics, Server};
#[cfg(feature = "tls")]
use crate::server::{ServerTls, ServerTlsBuilder};

/// The default limit of connections: enough for a fleet of scrapers and probers.
const DEFAULT_CONNECTIONS: usize = 256;

/// How long a client may take nothing of a page. Prometheus gives a scrape 10 s by default.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// The time for a request head. Clients are near, and their requests are short.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(5);

/// The idle time of a connection: longer than the longest usual scrape interval, so that the
/// connection of a scraper is kept, and short enough that forgotten ones free their permit.
const IDLE_TIMEOUT: Duration = Duration::from_secs(75);

/// The largest request head. Hyper answers 431 above it.
const MAX_HEADER_SIZE: usize = 16 * 1024;

/// The address, and the server settings of the admin listener.
#[derive(Clone, Debug)]
pub(super) struct Listen {
    pub(super) address: ListenAddress,
    pub(super) server: ServerSettings,
}

/// The address of a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ListenAddress {
    Tcp(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

impl ListenAddress {
    /// Parses `127.0.0.1:9464`, or `unix:/run/shop/admin.sock`.
    ///
    /// # Errors
    ///
    /// Returns an error that says how an address is written.
    pub(super) fn parse(text: &str) -> Result<Self, ConfigError> {
        let advice = "write it like \"127.0.0.1:9464\", \"0.0.0.0:9464\" in a pod, or \
                      \"unix:/run/shop/admin.sock\"";
        if let Some(path) = text.strip_prefix("unix:") {
            let path = PathBuf::from(path);
            if cfg!(unix) && path.is_absolute() {
                return Ok(Self::Unix(path));
            }
            let rule = "the path of a Unix socket begins with a slash";
            return Err(ConfigError::new("admin.listen", text, rule, advice));
        }
        text.parse().map(Self::Tcp).map_err(|_| {
            let rule = "an address is an IP address, a colon and a port, or `unix:` and a path";
            ConfigError::new("admin.listen", text, rule, advice)
        })
    }

    /// Returns whether only processes of this machine can connect.
    pub(super) fn is_loopback(&self) -> bool {
        match self {
            Self::Tcp(address) => address.ip().to_canonical().is_loopback(),
            Self::Unix(_) => true,
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// The server settings that users can change.
#[derive(Clone, Debug, Default)]
pub(super) struct ServerSettings {
    /// `None` for the default, or fewer if the process may not open so many files.
    pub(super) max_connections: Option<usize>,
    pub(super) metrics: Option<ConnectionMetrics>,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<ServerTlsBuilder>,
}

impl ServerSettings {
    /// Reads the files of TLS, if it is on. Clients without a certificate are accepted: probes have
    /// none, and the pages decide what they may read.
    ///
    /// # Errors
    ///
    /// Returns an error if a file cannot be used.
    #[cfg(feature = "tls")]
    pub(super) fn tls(&self) -> Result<Option<ServerTls>, ConfigError> {
        let tls = self.tls.clone().filter(|tls| !tls.is_empty());
        tls.map(|tls| tls.client_cert_optional(true).build()).transpose()
    }

    /// Builds the server.
    ///
    /// # Errors
    ///
    /// Returns an error if the limit is out of its range, a file of TLS cannot be used, or the
    /// metrics have an `admin` already.
    pub(super) fn build(&self) -> Result<Server, ConfigError> {
        let mut builder = Server::builder()
            .name("admin")
            .connection_info(true)
            .default_connections(DEFAULT_CONNECTIONS)
            // All that is above a quarter: where files are scarce, the service needs them as well.
            .reserved_files(usize::MAX)
            .header_read_timeout(HEADER_READ_TIMEOUT)
            .idle_timeout(IDLE_TIMEOUT)
            .body_read_timeout(HEADER_READ_TIMEOUT)
            .write_timeout(WRITE_TIMEOUT)
            .max_header_size(MAX_HEADER_SIZE)
            .max_concurrent_streams(32);
        if let Some(limit) = self.max_connections {
            builder = builder.max_connections(limit).reserved_files(0);
        }
        #[cfg(feature = "tls")]
        if let Some(tls) = self.tls()? {
            builder = builder.tls(&tls);
        }
        if let Some(metrics) = &self.metrics {
            builder = builder.metrics(metrics);
        }
        builder.build()
    }
}

#[cfg(test)]
mod tests {
    use super::ListenAddress;

    #[test]
    fn an_address_is_tcp_or_a_unix_socket() {
        for text in ["127.0.0.1:9464", "[::1]:0", "0.0.0.0:1", "unix:/run/shop/admin.sock"] {
            assert_eq!(ListenAddress::parse(text).expect(text).to_string(), text);
        }
        for (text, loopback) in [
            ("127.0.0.2:1", true),
            ("[::ffff:127.0.0.1]:1", true),
            ("unix:/a", true),
            ("0.0.0.0:1", false),
            ("[::]:1", false),
            ("10.0.0.1:1", false),
        ] {
            assert_eq!(ListenAddress::parse(text).expect(text).is_loopback(), loopback, "{text}");
        }
        for text in ["", "localhost:1", "127.0.0.1", "unix:", "unix:admin.sock", "/run/a"] {
            assert_eq!(ListenAddress::parse(text).expect_err(text).field(), "admin.listen");
        }
    }
}
