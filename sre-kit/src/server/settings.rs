//! The settings of a server.

use std::time::Duration;

use tokio::sync::Semaphore;

use crate::ConfigError;

/// The longest allowed timeout. A longer one is a typing error, or overflows a sum.
const YEAR: Duration = Duration::from_hours(365 * 24);

/// The limits that a server sets to its clients.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) name: String,
    pub(super) max_connections: usize,
    pub(super) header_read_timeout: Duration,
    pub(super) body_read_timeout: Duration,
    pub(super) write_timeout: Duration,
    pub(super) idle_timeout: Duration,
    pub(super) max_header_size: usize,
    pub(super) max_concurrent_streams: u32,
    pub(super) keep_alive_interval: Option<Duration>,
    pub(super) keep_alive_timeout: Duration,
    pub(super) nodelay: bool,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<super::tls::ServerTls>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: "main".to_owned(),
            max_connections: 10_000,
            header_read_timeout: Duration::from_secs(10),
            body_read_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(620),
            max_header_size: 64 * 1024,
            max_concurrent_streams: 200,
            keep_alive_interval: Some(Duration::from_secs(30)),
            keep_alive_timeout: Duration::from_secs(20),
            nodelay: true,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }
}

impl Settings {
    /// Checks every limit against its range.
    ///
    /// # Errors
    ///
    /// Returns an error that names the first setting that is out of its range.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
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
                format!("it must lie between 1 and {}", Semaphore::MAX_PERMITS),
                "leave it out to have 10000",
            ));
        }
        for (field, value) in [
            ("header_read_timeout", Some(self.header_read_timeout)),
            ("body_read_timeout", Some(self.body_read_timeout)),
            ("write_timeout", Some(self.write_timeout)),
            ("idle_timeout", Some(self.idle_timeout)),
            ("keep_alive_interval", self.keep_alive_interval),
            ("keep_alive_timeout", Some(self.keep_alive_timeout)),
        ] {
            if let Some(value) = value.filter(|value| value.is_zero() || *value > YEAR) {
                return Err(ConfigError::new(
                    field,
                    value,
                    "it must be longer than zero and at most a year",
                    "leave it out to have the default",
                ));
            }
        }
        if !(8 * 1024..=16 * 1024 * 1024).contains(&self.max_header_size) {
            return Err(ConfigError::new(
                "max_header_size",
                self.max_header_size,
                "it must lie between 8 KiB and 16 MiB",
                "leave it out to have 64 KiB",
            ));
        }
        if self.max_concurrent_streams == 0 {
            return Err(ConfigError::new(
                "max_concurrent_streams",
                0,
                "HTTP/2 clients could not send a request",
                "leave it out to have 200",
            ));
        }
        Ok(())
    }
}
