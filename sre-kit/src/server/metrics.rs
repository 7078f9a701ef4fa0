//! What is counted of connections, and how it is shown.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::drive::Ended;
use super::shared::Shared;
use crate::ConfigError;
use crate::metrics::{Registry, Samples};

/// Why `accept` failed.
const ACCEPT_ERRORS: [&str; 3] = ["too_many_files", "aborted", "other"];

/// Why a connection ended badly.
const CONNECTION_ERRORS: [&str; 9] = [
    "header_timeout",
    "incomplete",
    "malformed",
    "too_large",
    "io",
    "service_error",
    "panic",
    "cut_off",
    "other",
];

/// Counts of one server. All of them move per connection, none per request.
#[derive(Debug, Default)]
pub(super) struct Stats {
    accepted: AtomicU64,
    accept_errors: [AtomicU64; ACCEPT_ERRORS.len()],
    connection_errors: [AtomicU64; CONNECTION_ERRORS.len()],
}

impl Stats {
    pub(super) fn accepted(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a failed `accept` and says whether the next one may be tried at once.
    pub(super) fn accept_failed(&self, error: &io::Error) -> bool {
        // The numbers are the same on every Unix; std has no kind for these.
        const ENFILE: i32 = 23;
        const EMFILE: i32 = 24;
        let (kind, at_once) = match (error.raw_os_error(), error.kind()) {
            (Some(ENFILE | EMFILE), _) => ("too_many_files", false),
            // These belong to the connection that was to be accepted.
            (
                _,
                io::ErrorKind::ConnectionAborted
                | io::ErrorKind::ConnectionRefused
                | io::ErrorKind::ConnectionReset,
            ) => ("aborted", true),
            _ => ("other", false),
        };
        count(&ACCEPT_ERRORS, &self.accept_errors, kind);
        at_once
    }

    /// Counts how a connection ended. `None` when it ended well.
    pub(super) fn ended(&self, ended: &Ended) -> Option<&'static str> {
        let kind = match ended {
            Ended::Done => return None,
            Ended::HeaderTimeout => "header_timeout",
            Ended::Incomplete => "incomplete",
            Ended::Io(_) => "io",
            Ended::Hyper(error) => hyper_kind(error),
            Ended::Panic => "panic",
            Ended::Unfinished => "cut_off",
        };
        count(&CONNECTION_ERRORS, &self.connection_errors, kind);
        Some(kind)
    }
}

fn count(kinds: &[&str], counts: &[AtomicU64], kind: &str) {
    if let Some(at) = kinds.iter().position(|known| *known == kind) {
        counts[at].fetch_add(1, Ordering::Relaxed);
    }
}

fn hyper_kind(error: &hyper::Error) -> &'static str {
    use std::error::Error;
    if error.is_parse_too_large() {
        "too_large"
    } else if error.is_parse() {
        "malformed"
    } else if error.is_incomplete_message() {
        "incomplete"
    } else if error.is_user() {
        "service_error"
    } else if error.is_timeout() {
        "header_timeout"
    } else if error.source().is_some_and(<dyn Error>::is::<io::Error>) {
        "io"
    } else {
        "other"
    }
}

/// Shows the connections of servers. Cloning is cheap.
///
/// | Metric | Kind | Labels | Meaning |
/// |---|---|---|---|
/// | `http_server_open_connections` | gauge | `listener`, `http_connection_state` (`active`, `idle`, `upgraded`) | sockets that are open |
/// | `http_server_connections_limit` | gauge | `listener` | [`max_connections`](super::ServerBuilder::max_connections) |
/// | `http_server_connections_accepted_total` | counter | `listener` | connections that were accepted |
/// | `http_server_accept_errors_total` | counter | `listener`, `error_type` (`too_many_files`, `aborted`, `other`) | failures to accept one |
/// | `http_server_connection_errors_total` | counter | `listener`, `error_type` (`header_timeout`, `incomplete`, `malformed`, `too_large`, `io`, `service_error`, `panic`, `cut_off`, `other`) | connections that ended badly |
///
/// `active` means that a request is under way. The semantic conventions name
/// `http.client.open_connections` and its attribute `http.connection.state`; for
/// servers they have none, so these follow them. The counts of a server stay
/// after it has ended.
///
/// ```
/// use sre_kit::server::{ConnectionMetrics, Server};
/// use sre_kit::metrics::Registry;
///
/// let metrics = ConnectionMetrics::new(&Registry::new())?;
/// let server = Server::builder().metrics(&metrics).build()?;
/// # drop(server);
/// # Ok::<(), sre_kit::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct ConnectionMetrics {
    servers: Servers,
}

#[derive(Clone, Default)]
struct Servers(Arc<Mutex<Vec<Arc<Shared>>>>);

impl Servers {
    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Shared>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn each(&self, mut f: impl FnMut(&str, &Shared)) {
        let servers = self.lock().clone();
        for server in &servers {
            f(&server.settings.name, server);
        }
    }
}

impl ConnectionMetrics {
    /// Registers the families in `registry`, once for all servers.
    ///
    /// # Errors
    ///
    /// When one of the names is taken.
    pub fn new(registry: &Registry) -> Result<Self, ConfigError> {
        let metrics = Self { servers: Servers::default() };
        let servers = metrics.servers.clone();
        registry.gauge_fn(
            "http_server_open_connections",
            "Sockets that are open.",
            &["listener", "http_connection_state"],
            move |samples| {
                servers.each(|name, server| {
                    let counts = server.counts();
                    samples.push(&[name, "active"], counts.active as f64);
                    samples.push(&[name, "idle"], counts.idle as f64);
                    samples.push(&[name, "upgraded"], counts.upgraded as f64);
                });
            },
        )?;
        let servers = metrics.servers.clone();
        registry.gauge_fn(
            "http_server_connections_limit",
            "Connections that may be open at one time.",
            &["listener"],
            move |samples| {
                servers.each(|name, server| {
                    samples.push(&[name], server.settings.max_connections as f64);
                });
            },
        )?;
        let servers = metrics.servers.clone();
        registry.counter_fn(
            "http_server_connections_accepted_total",
            "Connections that were accepted.",
            &["listener"],
            move |samples| {
                servers.each(|name, server| push(samples, &[name], &server.stats.accepted));
            },
        )?;
        let servers = metrics.servers.clone();
        registry.counter_fn(
            "http_server_accept_errors_total",
            "Failures to accept a connection.",
            &["listener", "error_type"],
            move |samples| {
                servers.each(|name, server| {
                    for (kind, count) in ACCEPT_ERRORS.iter().zip(&server.stats.accept_errors) {
                        push(samples, &[name, kind], count);
                    }
                });
            },
        )?;
        let servers = metrics.servers.clone();
        registry.counter_fn(
            "http_server_connection_errors_total",
            "Connections that ended badly.",
            &["listener", "error_type"],
            move |samples| {
                servers.each(|name, server| {
                    let counts = &server.stats.connection_errors;
                    for (kind, count) in CONNECTION_ERRORS.iter().zip(counts) {
                        push(samples, &[name, kind], count);
                    }
                });
            },
        )?;
        Ok(metrics)
    }

    pub(super) fn add(&self, server: &Arc<Shared>) -> Result<(), ConfigError> {
        let mut servers = self.servers.lock();
        let name = &server.settings.name;
        if servers.iter().any(|other| other.settings.name == *name) {
            return Err(ConfigError::new(
                "server.name",
                name,
                "another server is shown under this name",
                "give each server a name of its own",
            ));
        }
        servers.push(Arc::clone(server));
        Ok(())
    }
}

fn push(samples: &mut Samples<'_>, labels: &[&str], count: &AtomicU64) {
    samples.push(labels, count.load(Ordering::Relaxed) as f64);
}

impl fmt::Debug for ConnectionMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers = self.servers.lock();
        let names: Vec<_> = servers.iter().map(|server| &server.settings.name).collect();
        f.debug_struct("ConnectionMetrics").field("servers", &names).finish()
    }
}
