//! The settings of a server.

use std::time::Duration;

use tokio::sync::Semaphore;

use super::open_files::OpenFiles;
use crate::ConfigError;

/// The longest allowed timeout. A longer one is a typing error, or overflows a sum.
const YEAR: Duration = Duration::from_hours(365 * 24);

/// The limits that a server sets to its clients.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) name: String,
    /// `None` means `default_connections`, or fewer if the process may not open so many files.
    pub(super) max_connections: Option<usize>,
    pub(super) default_connections: usize,
    /// The files that the derived limit leaves to the rest of the process.
    pub(super) reserved_files: usize,
    pub(super) header_read_timeout: Duration,
    pub(super) body_read_timeout: Duration,
    pub(super) write_timeout: Duration,
    pub(super) idle_timeout: Duration,
    pub(super) max_header_size: usize,
    pub(super) max_concurrent_streams: u32,
    pub(super) keep_alive_interval: Option<Duration>,
    pub(super) keep_alive_timeout: Duration,
    pub(super) nodelay: bool,
    /// Whether requests carry their connection in their extensions.
    pub(super) connection_info: bool,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<super::tls::ServerTls>,
}

/// The files that are reserved by default: those of an admin listener, which has 256 connections,
/// and 64 for what every process opens.
const DEFAULT_RESERVED_FILES: usize = 256 + 64;

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: "main".to_owned(),
            max_connections: None,
            default_connections: 10_000,
            reserved_files: DEFAULT_RESERVED_FILES,
            header_read_timeout: Duration::from_secs(10),
            body_read_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(620),
            max_header_size: 64 * 1024,
            max_concurrent_streams: 200,
            keep_alive_interval: Some(Duration::from_secs(30)),
            keep_alive_timeout: Duration::from_secs(20),
            nodelay: true,
            connection_info: false,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }
}

impl Settings {
    /// Returns how many connections may be open at the same time, and says in the log what the limit
    /// of open files has to do with it.
    pub(super) fn bound_connections(&self, files: Option<OpenFiles>) -> usize {
        let wanted = self.max_connections.unwrap_or(self.default_connections);
        let Some(files) = files else { return wanted };
        let listener = &self.name;
        let OpenFiles { before, now: open_files } = files;
        let possible = files.connections(self.reserved_files);
        if self.max_connections.is_some() && wanted > possible {
            let reserved_files = self.reserved_files;
            tracing::warn!(
                listener,
                max_connections = wanted,
                open_files,
                reserved_files,
                "max_connections cannot be met: raise the hard limit of open files (`ulimit -Hn`, \
                 `LimitNOFILE=`), or lower it"
            );
            return wanted;
        }
        let bound = wanted.min(possible);
        if bound < wanted || before < open_files {
            tracing::info!(
                listener,
                max_connections = bound,
                open_files,
                raised_from = before,
                "the limit of open files was raised to its maximum, and the connections fit into it"
            );
        }
        bound
    }

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
        if let Some(limit) = self.max_connections
            && !(1..=Semaphore::MAX_PERMITS).contains(&limit)
        {
            return Err(ConfigError::new(
                "max_connections",
                limit,
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
