//! Limits of a server, checked once.

use std::time::Duration;

use tokio::sync::Semaphore;

use super::metrics::ConnectionMetrics;
use super::signal::DrainSignal;
use super::{Server, Shared};
use crate::ConfigError;

/// Longest time-out: beyond it is a slip of the pen, or a sum that overflows.
const YEAR: Duration = Duration::from_hours(365 * 24);

/// What a server allows its clients.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) name: String,
    pub(super) max_connections: usize,
    pub(super) header_read_timeout: Duration,
    pub(super) idle_timeout: Duration,
    pub(super) max_header_size: usize,
    pub(super) max_concurrent_streams: u32,
    pub(super) keep_alive_interval: Option<Duration>,
    pub(super) keep_alive_timeout: Duration,
    pub(super) nodelay: bool,
}

/// Builds a [`Server`].
#[derive(Clone, Debug)]
#[must_use = "nothing is served before `build` and `start`"]
pub struct ServerBuilder {
    settings: Settings,
    metrics: Option<ConnectionMetrics>,
    signal: Option<DrainSignal>,
}

impl ServerBuilder {
    pub(super) fn new() -> Self {
        Self {
            settings: Settings {
                name: "main".to_owned(),
                max_connections: 10_000,
                header_read_timeout: Duration::from_secs(10),
                idle_timeout: Duration::from_secs(620),
                max_header_size: 64 * 1024,
                max_concurrent_streams: 200,
                keep_alive_interval: Some(Duration::from_secs(30)),
                keep_alive_timeout: Duration::from_secs(20),
                nodelay: true,
            },
            metrics: None,
            signal: None,
        }
    }

    /// Sets the name, which is the value of the label `listener`. Defaults to `main`.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.settings.name = name.into();
        self
    }

    /// Connections at one time, upgraded ones included. 10 000 unless set.
    ///
    /// At the limit nothing more is accepted; clients wait in the listener's
    /// backlog, and `http_server_open_connections` stands at
    /// `http_server_connections_limit`.
    pub fn max_connections(mut self, limit: usize) -> Self {
        self.settings.max_connections = limit;
        self
    }

    /// Time in which a request head must arrive, from its first byte, or from
    /// the connection's beginning for the first one. 10 s unless set.
    pub fn header_read_timeout(mut self, timeout: Duration) -> Self {
        self.settings.header_read_timeout = timeout;
        self
    }

    /// How long a connection is kept between requests. 620 s unless set: Google's
    /// load balancers keep theirs for 600 s, and a server that closes first makes
    /// them answer 502 ([documented][1] for backends of every kind).
    ///
    /// [1]: https://cloud.google.com/load-balancing/docs/https/request-distribution#http-keepalive-timeout
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.settings.idle_timeout = timeout;
        self
    }

    /// Largest request head in bytes; a larger one is answered 431. 64 KiB
    /// unless set, at least 8 KiB.
    pub fn max_header_size(mut self, bytes: usize) -> Self {
        self.settings.max_header_size = bytes;
        self
    }

    /// HTTP/2 requests at one time on one connection. 200 unless set.
    pub fn max_concurrent_streams(mut self, streams: u32) -> Self {
        self.settings.max_concurrent_streams = streams;
        self
    }

    /// How often an HTTP/2 client is asked whether it is still there. Every 30 s
    /// unless set; `None` never asks.
    pub fn keep_alive_interval(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.settings.keep_alive_interval = interval.into();
        self
    }

    /// How long such a client has to answer. 20 s unless set.
    pub fn keep_alive_timeout(mut self, timeout: Duration) -> Self {
        self.settings.keep_alive_timeout = timeout;
        self
    }

    /// Whether small writes are sent at once (`TCP_NODELAY`). They are unless set.
    pub fn nodelay(mut self, nodelay: bool) -> Self {
        self.settings.nodelay = nodelay;
        self
    }

    /// Shows this server's connections, with its name as the label `listener`.
    pub fn metrics(mut self, metrics: &ConnectionMetrics) -> Self {
        self.metrics = Some(metrics.clone());
        self
    }

    /// Gives `signal` when this server drains, instead of one of its own.
    pub fn drain_signal(mut self, signal: &DrainSignal) -> Self {
        self.signal = Some(signal.clone());
        self
    }

    /// Builds the server.
    ///
    /// # Errors
    ///
    /// When a limit is zero or out of its range, or when a server of this name
    /// is already shown in the same metrics.
    pub fn build(self) -> Result<Server, ConfigError> {
        let Self { settings, metrics, signal } = self;
        settings.check()?;
        let shared = std::sync::Arc::new(Shared::new(settings, signal.unwrap_or_default()));
        if let Some(metrics) = metrics {
            metrics.add(&shared)?;
        }
        Ok(Server { shared })
    }
}

impl Settings {
    fn check(&self) -> Result<(), ConfigError> {
        if self.name.is_empty() {
            return Err(ConfigError::new(
                "server.name",
                &self.name,
                "it is the value of a label",
                "give it a short name such as \"main\"",
            ));
        }
        if !(1..=Semaphore::MAX_PERMITS).contains(&self.max_connections) {
            return Err(ConfigError::new(
                "max_connections",
                self.max_connections,
                format!("it lies between 1 and {}", Semaphore::MAX_PERMITS),
                "leave it out to have 10000",
            ));
        }
        for (field, value) in [
            ("header_read_timeout", Some(self.header_read_timeout)),
            ("idle_timeout", Some(self.idle_timeout)),
            ("keep_alive_interval", self.keep_alive_interval),
            ("keep_alive_timeout", Some(self.keep_alive_timeout)),
        ] {
            if let Some(value) = value.filter(|value| value.is_zero() || *value > YEAR) {
                return Err(ConfigError::new(
                    field,
                    value,
                    "it is longer than nothing and at most a year",
                    "leave it out to have the default",
                ));
            }
        }
        if !(8 * 1024..=16 * 1024 * 1024).contains(&self.max_header_size) {
            return Err(ConfigError::new(
                "max_header_size",
                self.max_header_size,
                "it lies between 8 KiB and 16 MiB",
                "leave it out to have 64 KiB",
            ));
        }
        if self.max_concurrent_streams == 0 {
            return Err(ConfigError::new(
                "max_concurrent_streams",
                0,
                "HTTP/2 clients could ask nothing",
                "leave it out to have 200",
            ));
        }
        Ok(())
    }
}
