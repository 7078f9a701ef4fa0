//! The metric families of databases.

use std::sync::Arc;

use super::gauges::{Gauges, POOL};
use super::operation::Operation;
use sre_kit_core::ConfigError;
use sre_kit_metrics::{Buckets, CounterFamily, HistogramFamily, Registry};

/// The bucket bounds of the semantic conventions for databases, in seconds.
const BUCKETS: [f64; 9] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];

/// The bucket bounds of migrations, in seconds.
#[cfg(feature = "migrate")]
const MIGRATION_BUCKETS: [f64; 9] = [0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0];

/// The metric families of databases.
pub(super) struct Families {
    pub(super) operations: HistogramFamily,
    pub(super) waits: HistogramFamily,
    pub(super) creations: HistogramFamily,
    pub(super) timeouts: CounterFamily,
    pub(super) logins: CounterFamily,
    pub(super) retries: CounterFamily,
    pub(super) phases: HistogramFamily,
    pub(super) io: CounterFamily,
    pub(super) foreign_processes: CounterFamily,
    pub(super) recycled: CounterFamily,
    pub(super) refreshes: CounterFamily,
    pub(super) rebuilds: CounterFamily,
    #[cfg(feature = "iam")]
    pub(super) certificates: CounterFamily,
    #[cfg(feature = "migrate")]
    pub(super) migrations: HistogramFamily,
    pub(super) gauges: Arc<Gauges>,
}

impl Families {
    pub(super) fn register(registry: &Registry) -> Result<Self, ConfigError> {
        let seconds = Buckets::seconds(BUCKETS)?;
        let histogram = |name, help, labels: &[&str]| {
            registry.histogram_family(name, help, &seconds, &[&[POOL], labels].concat())
        };
        let counter = |name, help, labels: &[&str]| {
            registry.counter_family(name, help, &[&[POOL], labels].concat())
        };
        let gauges = Arc::new(Gauges::default());
        gauges.register(registry)?;
        Ok(Self {
            operations: registry.histogram_family(
                "db_client_operation_duration_seconds",
                "Duration of database operations, with the wait for a connection.",
                &seconds,
                &Operation::LABELS,
            )?,
            waits: histogram(
                "db_client_connection_wait_time_seconds",
                "Time it took to obtain a connection from the pool.",
                &[],
            )?,
            creations: histogram(
                "db_client_connection_create_time_seconds",
                "Time it took to create a new connection.",
                &[],
            )?,
            timeouts: counter(
                "db_client_connection_timeouts_total",
                "Waits for a connection that reached the timeout.",
                &[],
            )?,
            logins: counter(
                "sre_kit_db_logins_total",
                "Logins to the database.",
                &["outcome", "db_response_status_code"],
            )?,
            retries: counter(
                "sre_kit_db_login_retries_total",
                "Logins that were retried with newer credentials.",
                &[],
            )?,
            phases: histogram(
                "sre_kit_db_dial_duration_seconds",
                "Duration of the phases of a login.",
                &["phase", "error_type"],
            )?,
            io: counter(
                "sre_kit_db_io_bytes_total",
                "Bytes over database connections.",
                &["direction"],
            )?,
            foreign_processes: counter(
                "sre_kit_db_bridge_refused_total",
                "Connections to the bridge from another process.",
                &[],
            )?,
            recycled: counter(
                "sre_kit_db_recycled_total",
                "Connections that the pool closed.",
                &["reason"],
            )?,
            refreshes: counter(
                "sre_kit_db_auth_refreshes_total",
                "New tokens, and errors of their source.",
                &["outcome", "error_type"],
            )?,
            rebuilds: counter("sre_kit_db_auth_rebuilds_total", "Resets of a token source.", &[])?,
            #[cfg(feature = "iam")]
            certificates: counter(
                "sre_kit_db_cert_refreshes_total",
                "Certificates of the Admin API, and errors.",
                &["outcome", "error_type"],
            )?,
            #[cfg(feature = "migrate")]
            migrations: registry.histogram_family(
                "sre_kit_db_migration_duration_seconds",
                "Duration of migration runs, with the wait for other processes.",
                &Buckets::seconds(MIGRATION_BUCKETS)?,
                &[POOL, "outcome"],
            )?,
            gauges,
        })
    }
}
