//! Where and how the admin listener listens.

use std::net::SocketAddr;
use std::time::Duration;

use crate::ConfigError;
use crate::server::{ConnectionMetrics, Server};

/// The default limit of connections: enough for a fleet of scrapers and probers.
const DEFAULT_CONNECTIONS: usize = 64;

/// The time for a request head. Clients are near, and their requests are short.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(5);

/// The idle time of a connection: longer than the longest usual scrape interval, so that the
/// connection of a scraper is kept, and short enough that forgotten ones free their permit.
const IDLE_TIMEOUT: Duration = Duration::from_secs(75);

/// The largest request head. Hyper answers 431 above it.
const MAX_HEADER_SIZE: usize = 16 * 1024;

/// The address and the server settings of the admin listener.
#[derive(Clone, Debug)]
pub(super) struct Listen {
    pub(super) address: SocketAddr,
    pub(super) server: ServerSettings,
}

/// The server settings that users can change.
#[derive(Clone, Debug)]
pub(super) struct ServerSettings {
    pub(super) max_connections: usize,
    pub(super) metrics: Option<ConnectionMetrics>,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self { max_connections: DEFAULT_CONNECTIONS, metrics: None }
    }
}

impl ServerSettings {
    /// Builds the server.
    ///
    /// # Errors
    ///
    /// Returns an error if the limit is out of its range, or the metrics have an `admin` already.
    pub(super) fn build(&self) -> Result<Server, ConfigError> {
        let mut builder = Server::builder()
            .name("admin")
            .max_connections(self.max_connections)
            .header_read_timeout(HEADER_READ_TIMEOUT)
            .idle_timeout(IDLE_TIMEOUT)
            .max_header_size(MAX_HEADER_SIZE)
            .max_concurrent_streams(32);
        if let Some(metrics) = &self.metrics {
            builder = builder.metrics(metrics);
        }
        builder.build()
    }
}
