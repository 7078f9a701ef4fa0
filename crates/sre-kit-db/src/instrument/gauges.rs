//! Gauges that are read from the pools at a scrape.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use sre_kit_core::ConfigError;
use sre_kit_metrics::Registry;

/// The label that names a pool.
pub(super) const POOL: &str = "db_client_connection_pool_name";

/// The gauges of a pool, or of a connector without a pool, at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct PoolSnapshot {
    pub(crate) pool: Arc<str>,
    /// `None` for a connector without a pool.
    pub(crate) connections: Option<PoolConnections>,
    pub(crate) paused: Option<bool>,
    pub(crate) token_age: Option<f64>,
    pub(crate) certificate_expiry: Option<f64>,
    pub(crate) migrations: Option<u64>,
}

/// The connections of a pool at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PoolConnections {
    pub(crate) idle: u64,
    pub(crate) used: u64,
    pub(crate) max: u64,
    pub(crate) min: u64,
    pub(crate) pending: u64,
}

/// A source of gauges. Reading it never waits.
pub(crate) trait GaugeSource: Send + Sync {
    /// Returns the gauges, or `None` after the pool was closed.
    fn read(&self) -> Option<PoolSnapshot>;
}

/// The pools that gauges are read from.
#[derive(Default)]
pub(crate) struct Gauges {
    sources: Mutex<Vec<Weak<dyn GaugeSource>>>,
}

type Value = fn(&PoolSnapshot) -> Option<f64>;

impl Gauges {
    pub(super) fn add(&self, source: Weak<dyn GaugeSource>) {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        sources.retain(|source| source.strong_count() > 0);
        sources.push(source);
    }

    fn read(&self) -> Vec<PoolSnapshot> {
        let sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner).clone();
        sources.iter().filter_map(Weak::upgrade).filter_map(|source| source.read()).collect()
    }

    pub(super) fn register(self: &Arc<Self>, registry: &Registry) -> Result<(), ConfigError> {
        let gauges = Arc::clone(self);
        registry.gauge_fn(
            "db_client_connections",
            "Connections of the pool, by state.",
            &[POOL, "db_client_connection_state"],
            move |samples| {
                for snapshot in gauges.read() {
                    let Some(connections) = snapshot.connections else { continue };
                    samples.push(&[&snapshot.pool, "idle"], connections.idle as f64);
                    samples.push(&[&snapshot.pool, "used"], connections.used as f64);
                }
            },
        )?;
        let single: [(&str, &str, Value); 7] = [
            ("db_client_connection_max", "Maximum number of connections.", |s| {
                s.connections.map(|c| c.max as f64)
            }),
            ("db_client_connection_idle_min", "Connections that stay open without work.", |s| {
                s.connections.map(|c| c.min as f64)
            }),
            (
                "db_client_connection_pending_requests",
                "Requests that wait for a connection.",
                |s| s.connections.map(|c| c.pending as f64),
            ),
            (
                "sre_kit_db_recycling_paused",
                "1 while connections are kept because logins fail.",
                |s| s.paused.map(|paused| f64::from(u8::from(paused))),
            ),
            ("sre_kit_db_auth_token_age_seconds", "Age of the token.", |s| s.token_age),
            ("sre_kit_db_cert_expiry_seconds", "Time until the client certificate expires.", |s| {
                s.certificate_expiry
            }),
            ("sre_kit_db_migration_pending", "Pending migrations at the last check.", |s| {
                s.migrations.map(|pending| pending as f64)
            }),
        ];
        for (name, help, value) in single {
            let gauges = Arc::clone(self);
            registry.gauge_fn(name, help, &[POOL], move |samples| {
                for snapshot in gauges.read() {
                    if let Some(value) = value(&snapshot) {
                        samples.push(&[&snapshot.pool], value);
                    }
                }
            })?;
        }
        Ok(())
    }
}
