//! The metrics of connections.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::shared::Shared;
use super::stats::{ACCEPT_ERRORS, CONNECTION_ERRORS};
use crate::ConfigError;
use crate::metrics::{Registry, Samples};

/// The metrics of the connections of one or more servers. Cloning is cheap.
///
/// | Metric | Kind | Labels | Meaning |
/// |---|---|---|---|
/// | `sre_kit_http_server_open_connections` | gauge | `listener`, `http_connection_state` (`active`, `idle`, `upgraded`) | open sockets |
/// | `sre_kit_http_server_connections_limit` | gauge | `listener` | [`max_connections`](super::ServerBuilder::max_connections) |
/// | `sre_kit_http_server_connections_accepted_total` | counter | `listener` | accepted connections |
/// | `sre_kit_http_server_accept_errors_total` | counter | `listener`, `error_type` (`too_many_files`, `aborted`, `other`) | failures to accept a connection |
/// | `sre_kit_http_server_connection_errors_total` | counter | `listener`, `error_type` (`header_timeout`, `body_timeout`, `write_timeout`, `evicted`, `incomplete`, `malformed`, `too_large`, `io`, `tls_handshake`, `tls_timeout`, `service_error`, `panic`, `cut_off`, `other`) | connections that ended badly, and requests with a bad `Host` (`malformed`) |
/// | `sre_kit_http_server_tls_reloads_total` | counter | `listener`, `result` (`ok`, `error`) | with TLS: changes of the certificate files, and those that could not be used |
///
/// A connection is `active` while a request is in flight on it. OpenTelemetry's semantic
/// conventions define `http.client.open_connections` and its attribute `http.connection.state` but
/// nothing for servers; these names follow them. The counts of a server stay after its end.
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

/// The servers that the metrics are read from.
#[derive(Clone, Default)]
struct Servers(Arc<Mutex<Vec<Arc<Shared>>>>);

impl Servers {
    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Shared>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn for_each(&self, mut f: impl FnMut(&str, &Shared)) {
        // Copied, so that a scrape does not hold the lock while it reads.
        let servers = self.lock().clone();
        for server in &servers {
            f(&server.settings.name, server);
        }
    }
}

impl ConnectionMetrics {
    /// Registers the metrics in `registry`, once for all servers.
    ///
    /// # Errors
    ///
    /// Returns an error if a metric of one of these names is already registered.
    pub fn new(registry: &Registry) -> Result<Self, ConfigError> {
        let metrics = Self { servers: Servers::default() };
        let servers = metrics.servers.clone();
        registry.gauge_fn(
            "sre_kit_http_server_open_connections",
            "Sockets that are open.",
            &["listener", "http_connection_state"],
            move |samples| {
                servers.for_each(|name, server| {
                    let counts = server.counts();
                    samples.push(&[name, "active"], counts.active as f64);
                    samples.push(&[name, "idle"], counts.idle as f64);
                    samples.push(&[name, "upgraded"], counts.upgraded as f64);
                });
            },
        )?;
        let servers = metrics.servers.clone();
        registry.gauge_fn(
            "sre_kit_http_server_connections_limit",
            "Connections that may be open at one time.",
            &["listener"],
            move |samples| {
                servers.for_each(|name, server| {
                    samples.push(&[name], server.max_connections() as f64);
                });
            },
        )?;
        let servers = metrics.servers.clone();
        registry.counter_fn(
            "sre_kit_http_server_connections_accepted_total",
            "Connections that were accepted.",
            &["listener"],
            move |samples| {
                servers.for_each(|name, server| push(samples, &[name], &server.stats.accepted));
            },
        )?;
        let servers = metrics.servers.clone();
        registry.counter_fn(
            "sre_kit_http_server_accept_errors_total",
            "Failures to accept a connection.",
            &["listener", "error_type"],
            move |samples| {
                servers.for_each(|name, server| {
                    for (kind, count) in ACCEPT_ERRORS.iter().zip(&server.stats.accept_errors) {
                        push(samples, &[name, kind], count);
                    }
                });
            },
        )?;
        let servers = metrics.servers.clone();
        registry.counter_fn(
            "sre_kit_http_server_connection_errors_total",
            "Connections that ended badly.",
            &["listener", "error_type"],
            move |samples| {
                servers.for_each(|name, server| {
                    let counts = &server.stats.connection_errors;
                    for (kind, count) in CONNECTION_ERRORS.iter().zip(counts) {
                        push(samples, &[name, kind], count);
                    }
                });
            },
        )?;
        #[cfg(feature = "tls")]
        metrics.register_tls(registry)?;
        Ok(metrics)
    }

    #[cfg(feature = "tls")]
    fn register_tls(&self, registry: &Registry) -> Result<(), ConfigError> {
        let servers = self.servers.clone();
        registry.counter_fn(
            "sre_kit_http_server_tls_reloads_total",
            "Changes of the certificate files.",
            &["listener", "result"],
            move |samples| {
                servers.for_each(|name, server| {
                    if let Some(tls) = &server.settings.tls {
                        let (ok, error) = tls.reloads();
                        push(samples, &[name, "ok"], ok);
                        push(samples, &[name, "error"], error);
                    }
                });
            },
        )
    }

    /// Adds the counts of `server`.
    pub(super) fn add(&self, server: &Arc<Shared>) -> Result<(), ConfigError> {
        let mut servers = self.servers.lock();
        let name = &server.settings.name;
        if servers.iter().any(|other| other.settings.name == *name) {
            return Err(ConfigError::new(
                "server.name",
                name,
                "another server has this name in the same metrics",
                "give each server its own name",
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
