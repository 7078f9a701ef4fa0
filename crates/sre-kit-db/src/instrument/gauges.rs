//! Gauges that are read from the pools when somebody asks.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use sre_kit_core::ConfigError;
use sre_kit_metrics::Registry;

/// The label that names a pool.
pub(super) const POOL: &str = "db_client_connection_pool_name";

/// What a pool can be asked at any time, without waiting.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reading {
    pub(crate) pool: Arc<str>,
    pub(crate) idle: u64,
    pub(crate) used: u64,
    pub(crate) max: u64,
    pub(crate) min: u64,
    pub(crate) pending: u64,
    pub(crate) paused: Option<bool>,
    pub(crate) token_age: Option<f64>,
    pub(crate) certificate_expiry: Option<f64>,
    pub(crate) migrations: Option<u64>,
}

pub(crate) trait Readable: Send + Sync {
    /// `None` once the pool is closed.
    fn read(&self) -> Option<Reading>;
}

/// The pools that gauges are read from.
#[derive(Default)]
pub(crate) struct Gauges {
    sources: Mutex<Vec<Weak<dyn Readable>>>,
}

type Value = fn(&Reading) -> Option<f64>;

impl Gauges {
    pub(super) fn add(&self, source: Weak<dyn Readable>) {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        sources.retain(|source| source.strong_count() > 0);
        sources.push(source);
    }

    fn read(&self) -> Vec<Reading> {
        let sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner).clone();
        sources.iter().filter_map(Weak::upgrade).filter_map(|source| source.read()).collect()
    }

    pub(super) fn register(self: &Arc<Self>, registry: &Registry) -> Result<(), ConfigError> {
        let gauges = Arc::clone(self);
        registry.gauge_fn(
            "db_client_connections",
            "Connections in the state that `state` tells.",
            &[POOL, "state"],
            move |samples| {
                for reading in gauges.read() {
                    samples.push(&[&reading.pool, "idle"], reading.idle as f64);
                    samples.push(&[&reading.pool, "used"], reading.used as f64);
                }
            },
        )?;
        let single: [(&str, &str, Value); 7] = [
            ("db_client_connection_max", "Most connections there may be.", |r| Some(r.max as f64)),
            ("db_client_connection_idle_min", "Connections that stay without work.", |r| {
                Some(r.min as f64)
            }),
            (
                "db_client_connection_pending_requests",
                "Requests that wait for a connection.",
                |r| Some(r.pending as f64),
            ),
            (
                "sre_kit_db_recycling_paused",
                "1 while connections live on because logging in does not work.",
                |r| r.paused.map(|paused| f64::from(u8::from(paused))),
            ),
            ("sre_kit_db_auth_token_age_seconds", "Since when the token is there.", |r| {
                r.token_age
            }),
            (
                "sre_kit_db_cert_expiry_seconds",
                "Until when the certificate is good that the server is shown.",
                |r| r.certificate_expiry,
            ),
            (
                "sre_kit_db_migration_pending",
                "Migrations that have not been run, when somebody asked last.",
                |r| r.migrations.map(|pending| pending as f64),
            ),
        ];
        for (name, help, value) in single {
            let gauges = Arc::clone(self);
            registry.gauge_fn(name, help, &[POOL], move |samples| {
                for reading in gauges.read() {
                    if let Some(value) = value(&reading) {
                        samples.push(&[&reading.pool], value);
                    }
                }
            })?;
        }
        Ok(())
    }
}
