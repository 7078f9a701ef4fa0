//! The families that databases report to.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::Duration;

use super::gauges::{Gauges, POOL, Readable};
use super::operation::Operation;
use sre_kit_core::ConfigError;
use sre_kit_metrics::{Buckets, Counter, CounterFamily, Histogram, HistogramFamily, Registry};

/// The bounds that the semantic conventions advise for databases, in seconds.
const BUCKETS: [f64; 9] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];

/// A migration takes as long as its tables are large.
#[cfg(feature = "migrate")]
const MIGRATION_BUCKETS: [f64; 9] = [0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0];

/// The metric families of databases, made once and shared by all pools of a process.
/// Cloning is cheap.
///
/// | Metric | Kind | Labels, `db_client_connection_pool_name` aside | Meaning |
/// |---|---|---|---|
/// | `db_client_operation_duration_seconds` | histogram | see below | a statement, with the wait for a connection |
/// | `db_client_connections` | gauge | `state`: `idle`, `used` | connections |
/// | `db_client_connection_max`, `db_client_connection_idle_min` | gauge | | the pool's bounds |
/// | `db_client_connection_pending_requests` | gauge | | who waits for a connection |
/// | `db_client_connection_wait_time_seconds` | histogram | | how long a statement outside of a transaction waited for one |
/// | `db_client_connection_create_time_seconds` | histogram | | dial, TLS and login of a connection |
/// | `db_client_connection_timeouts_total` | counter | | waits that took too long |
/// | `sre_kit_db_logins_total` | counter | `outcome`: `ok`, `refused`, `failed`, `abandoned`; `db_response_status_code` | logins |
/// | `sre_kit_db_login_retries_total` | counter | | logins that were tried again with a newer token or certificate, unseen by the request |
/// | `sre_kit_db_dial_duration_seconds` | histogram | `phase`: `credentials`, `tcp`, `tls`, `login`; `error_type` | the parts of a login |
/// | `sre_kit_db_io_bytes_total` | counter | `direction`: `receive`, `transmit` | bytes that went over connections |
/// | `sre_kit_db_bridge_refused_total` | counter | | connections to the bridge from another process |
/// | `sre_kit_db_recycled_total` | counter | `reason`: `age`, `idle`, `broken` | connections that the pool closed |
/// | `sre_kit_db_recycling_paused` | gauge | | 1 while connections live on because logging in does not work |
/// | `sre_kit_db_auth_refreshes_total` | counter | `outcome`: `ok`, `error`; `error_type`: `permanent`, `transient` | tokens that came, and answers without one |
/// | `sre_kit_db_auth_rebuilds_total` | counter | | how often a source of tokens had to start over |
/// | `sre_kit_db_auth_token_age_seconds` | gauge | | since when the token is there |
/// | `sre_kit_db_cert_refreshes_total` | counter | `outcome`: `ok`, `error`; `error_type` | certificates that came from Cloud SQL's Admin API, and answers without one |
/// | `sre_kit_db_cert_expiry_seconds` | gauge | | until when the certificate is good, from now |
/// | `sre_kit_db_migration_duration_seconds` | histogram | `outcome`: `ok`, `locked`, `failed` | runs of the migrations, with the wait for others; with the feature `migrate` |
/// | `sre_kit_db_migration_pending` | gauge | | migrations that have not been run, when somebody asked last; with the feature `migrate` |
///
/// Operations are told apart by `db_system_name`, `db_namespace`, `db_operation_name`,
/// `db_collection_name`, `server_address`, `server_port` and `error_type`, which is an
/// SQLSTATE where the server gave one. Names and bounds are those of OpenTelemetry's
/// semantic conventions 1.44, but for `db.client.connection.count`, whose last word Prometheus
/// keeps for histograms; what begins with `sre_kit_` is our own.
///
/// Google's tokens do not tell when they end; they last an hour. Alert on
/// `sre_kit_db_auth_token_age_seconds > 3500`. With the connector tokens for its Admin API
/// are counted beside those that log in, and the age is that of the latter; a certificate
/// is renewed at half of its hour: alert on `sre_kit_db_cert_expiry_seconds < 600`.
#[derive(Clone)]
pub struct DbMetrics {
    inner: Arc<Families>,
}

struct Families {
    operations: HistogramFamily,
    waits: HistogramFamily,
    creations: HistogramFamily,
    timeouts: CounterFamily,
    logins: CounterFamily,
    retries: CounterFamily,
    phases: HistogramFamily,
    io: CounterFamily,
    strangers: CounterFamily,
    recycled: CounterFamily,
    refreshes: CounterFamily,
    rebuilds: CounterFamily,
    #[cfg(feature = "iam")]
    certificates: CounterFamily,
    #[cfg(feature = "migrate")]
    migrations: HistogramFamily,
    gauges: Arc<Gauges>,
}

impl DbMetrics {
    /// Registers the families in `registry`.
    ///
    /// # Errors
    ///
    /// When they are in it already.
    pub fn new(registry: &Registry) -> Result<Self, ConfigError> {
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
            inner: Arc::new(Families {
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
                    "Waits for a connection that took too long.",
                    &[],
                )?,
                logins: counter(
                    "sre_kit_db_logins_total",
                    "Logins to the database.",
                    &["outcome", "db_response_status_code"],
                )?,
                retries: counter(
                    "sre_kit_db_login_retries_total",
                    "Logins that were tried again with newer credentials.",
                    &[],
                )?,
                phases: histogram(
                    "sre_kit_db_dial_duration_seconds",
                    "Duration of the parts of a login.",
                    &["phase", "error_type"],
                )?,
                io: counter(
                    "sre_kit_db_io_bytes_total",
                    "Bytes that went over database connections.",
                    &["direction"],
                )?,
                strangers: counter(
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
                    "Tokens that came, and answers without one.",
                    &["outcome", "error_type"],
                )?,
                rebuilds: counter(
                    "sre_kit_db_auth_rebuilds_total",
                    "How often a source of tokens had to start over.",
                    &[],
                )?,
                #[cfg(feature = "iam")]
                certificates: counter(
                    "sre_kit_db_cert_refreshes_total",
                    "Certificates that came from the Admin API, and answers without one.",
                    &["outcome", "error_type"],
                )?,
                #[cfg(feature = "migrate")]
                migrations: registry.histogram_family(
                    "sre_kit_db_migration_duration_seconds",
                    "Duration of runs of the migrations, with the wait for others.",
                    &Buckets::seconds(MIGRATION_BUCKETS)?,
                    &[POOL, "outcome"],
                )?,
                gauges,
            }),
        })
    }

    /// Reads gauges from `source`, as long as it is there.
    pub(crate) fn read_from(&self, source: Weak<dyn Readable>) {
        self.inner.gauges.add(source);
    }
}

impl fmt::Debug for DbMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DbMetrics").finish_non_exhaustive()
    }
}

/// What the credentials report.
#[derive(Clone, Debug)]
pub(crate) struct CredentialMetrics {
    refreshed: Counter,
    permanent: Counter,
    transient: Counter,
    started_over: Counter,
}

impl CredentialMetrics {
    pub(crate) fn new(metrics: &DbMetrics, pool: &str) -> Self {
        let Families { refreshes, rebuilds, .. } = &*metrics.inner;
        Self {
            refreshed: refreshes.with(&[pool, "ok", ""]),
            permanent: refreshes.with(&[pool, "error", "permanent"]),
            transient: refreshes.with(&[pool, "error", "transient"]),
            started_over: rebuilds.with(&[pool]),
        }
    }

    pub(crate) fn refreshed(&self) {
        self.refreshed.inc();
    }

    pub(crate) fn failed(&self, error_type: &str) {
        if error_type == "permanent" { self.permanent.inc() } else { self.transient.inc() }
    }

    pub(crate) fn started_over(&self) {
        self.started_over.inc();
    }
}

/// What certificates report.
#[cfg(feature = "iam")]
#[derive(Clone)]
pub(crate) struct CertificateMetrics {
    families: Arc<Families>,
    pool: Arc<str>,
    refreshed: Counter,
}

#[cfg(feature = "iam")]
impl CertificateMetrics {
    pub(crate) fn new(metrics: &DbMetrics, pool: &str) -> Self {
        let families = Arc::clone(&metrics.inner);
        let refreshed = families.certificates.with(&[pool, "ok", ""]);
        Self { refreshed, families, pool: pool.into() }
    }

    pub(crate) fn refreshed(&self) {
        self.refreshed.inc();
    }

    pub(crate) fn failed(&self, error_type: &str) {
        self.families.certificates.with(&[&self.pool, "error", error_type]).inc();
    }
}

/// What the bridge reports.
#[derive(Clone)]
pub(crate) struct BridgeMetrics {
    families: Arc<Families>,
    pool: Arc<str>,
    pub(crate) created: Histogram,
    pub(crate) retries: Counter,
    pub(crate) received: Counter,
    pub(crate) transmitted: Counter,
    pub(crate) strangers: Counter,
}

impl BridgeMetrics {
    pub(crate) fn new(metrics: &DbMetrics, pool: &str) -> Self {
        let families = Arc::clone(&metrics.inner);
        let made = Self {
            created: families.creations.with(&[pool]),
            retries: families.retries.with(&[pool]),
            received: families.io.with(&[pool, "receive"]),
            transmitted: families.io.with(&[pool, "transmit"]),
            strangers: families.strangers.with(&[pool]),
            pool: pool.into(),
            families,
        };
        made.families.logins.with(&[pool, "ok", ""]);
        made
    }

    pub(crate) fn login(&self, outcome: &str, status_code: &str) {
        self.families.logins.with(&[&self.pool, outcome, status_code]).inc();
    }

    pub(crate) fn phase(&self, phase: &str, error_type: &str, took: Duration) {
        self.families.phases.with(&[&self.pool, phase, error_type]).observe_duration(took);
    }
}

/// What the pool and its statements report.
pub(crate) struct PoolMetrics {
    families: Arc<Families>,
    /// The values of the labels that all operations of the pool share.
    common: [String; 4],
    /// By operation, and by kind of error.
    operations: RwLock<HashMap<Operation, HashMap<Box<str>, Histogram>>>,
    pub(crate) waits: Histogram,
    pub(crate) timeouts: Counter,
    pub(crate) by_age: Counter,
    pub(crate) by_idleness: Counter,
    pub(crate) broken: Counter,
    /// Migrations that have not been run, when somebody asked last.
    pending: Mutex<Option<u64>>,
}

impl PoolMetrics {
    /// `common` is system, namespace, server address and port.
    pub(crate) fn new(metrics: &DbMetrics, pool: &str, common: [String; 4]) -> Self {
        let families = Arc::clone(&metrics.inner);
        Self {
            waits: families.waits.with(&[pool]),
            timeouts: families.timeouts.with(&[pool]),
            by_age: families.recycled.with(&[pool, "age"]),
            by_idleness: families.recycled.with(&[pool, "idle"]),
            broken: families.recycled.with(&[pool, "broken"]),
            common,
            pending: Mutex::default(),
            operations: RwLock::default(),
            families,
        }
    }

    /// Migrations that have not been run, where somebody has asked.
    pub(crate) fn pending(&self) -> Option<u64> {
        *self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(feature = "migrate")]
    pub(crate) fn set_pending(&self, migrations: usize) {
        let pending = u64::try_from(migrations).unwrap_or(u64::MAX);
        *self.pending.lock().unwrap_or_else(PoisonError::into_inner) = Some(pending);
    }

    /// Records a run of the migrations.
    #[cfg(feature = "migrate")]
    pub(crate) fn migrated(&self, pool: &str, outcome: &str, took: Duration) {
        self.families.migrations.with(&[pool, outcome]).observe_duration(took);
    }

    pub(crate) fn common(&self) -> &[String; 4] {
        &self.common
    }

    /// Records an operation. Its series is found by two short texts once it exists.
    pub(crate) fn operation(&self, operation: &Operation, error_type: &str, took: Duration) {
        {
            let known = self.operations.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(series) = known.get(operation).and_then(|by| by.get(error_type)) {
                series.observe_duration(took);
                return;
            }
        }
        let [system, namespace, address, port] = &self.common;
        let (name, collection) = (operation.name, operation.collection.as_str());
        let values = [system, namespace, name, collection, address, port, error_type];
        let series = self.families.operations.with(&values);
        series.observe_duration(took);
        let mut known = self.operations.write().unwrap_or_else(PoisonError::into_inner);
        // Past the registry's own bound there is one series for all; no need to know more.
        if known.len() < 2_000 {
            known.entry(operation.clone()).or_default().insert(error_type.into(), series);
        }
    }
}

impl fmt::Debug for PoolMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolMetrics").field("common", &self.common).finish_non_exhaustive()
    }
}
