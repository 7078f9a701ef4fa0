//! The metrics of databases.

use std::fmt;
use std::sync::{Arc, Weak};

use super::families::Families;
use super::gauges::GaugeSource;
use sre_kit_core::ConfigError;
use sre_kit_metrics::Registry;

/// The metric families of databases. Create it once and share it between all pools and connectors
/// of a process. Cloning is cheap.
///
/// | Metric | Kind | Labels besides `db_client_connection_pool_name` | Meaning |
/// |---|---|---|---|
/// | `db_client_operation_duration_seconds` | histogram | see below | The duration of a statement, with the wait for a connection. |
/// | `db_client_connections` | gauge | `db_client_connection_state`: `idle`, `used` | The connections of the pool. |
/// | `db_client_connection_max`, `db_client_connection_idle_min` | gauge | | The bounds of the pool. |
/// | `db_client_connection_pending_requests` | gauge | | The requests that wait for a connection. |
/// | `db_client_connection_wait_time_seconds` | histogram | | How long a statement outside of a transaction waited for a connection. |
/// | `db_client_connection_create_time_seconds` | histogram | | The duration of dial, TLS and login of a connection. |
/// | `db_client_connection_timeouts_total` | counter | | Waits that reached `acquire_timeout`. |
/// | `sre_kit_db_logins_total` | counter | `outcome`: `ok`, `refused`, `failed`, `abandoned`; `db_response_status_code` | Logins. |
/// | `sre_kit_db_login_retries_total` | counter | | Logins that were retried with a newer token or certificate. |
/// | `sre_kit_db_dial_duration_seconds` | histogram | `phase`: `credentials`, `tcp`, `tls`, `login`; `error_type` | The duration of the phases of a login. |
/// | `sre_kit_db_io_bytes_total` | counter | `direction`: `receive`, `transmit` | Bytes over connections. |
/// | `sre_kit_db_bridge_refused_total` | counter | | Connections to the bridge from another process, which are refused. |
/// | `sre_kit_db_recycled_total` | counter | `reason`: `age`, `idle`, `broken` | Connections that the pool closed. |
/// | `sre_kit_db_recycling_paused` | gauge | | 1 while connections are kept because logins fail. |
/// | `sre_kit_db_auth_refreshes_total` | counter | `outcome`: `ok`, `error`; `error_type`: `permanent`, `transient` | New tokens, and errors of the source. |
/// | `sre_kit_db_auth_rebuilds_total` | counter | | Resets of a token source. |
/// | `sre_kit_db_auth_token_age_seconds` | gauge | | The age of the token. |
/// | `sre_kit_db_cert_refreshes_total` | counter | `outcome`: `ok`, `error`; `error_type` | Certificates of Cloud SQL's Admin API, and errors. |
/// | `sre_kit_db_cert_expiry_seconds` | gauge | | The time until the certificate expires. |
/// | `sre_kit_db_migration_duration_seconds` | histogram | `outcome`: `ok`, `locked`, `failed` | The duration of a migration run, with the wait for other processes; with the feature `migrate`. |
/// | `sre_kit_db_migration_pending` | gauge | | Pending migrations at the last check; with the feature `migrate`. |
///
/// The labels of operations are `db_system_name`, `db_namespace`, `db_operation_name`,
/// `db_collection_name`, `server_address`, `server_port` and `error_type`. The last one is the
/// SQLSTATE if the server sent one. Names and buckets follow OpenTelemetry's semantic conventions
/// 1.44, except for `db.client.connection.count`, because Prometheus reserves the suffix `_count`
/// for histograms. Names that begin with `sre_kit_` are not part of the conventions.
///
/// Google's tokens are valid for an hour: alert on `sre_kit_db_auth_token_age_seconds > 3500`. The
/// connector renews its certificate at half of an hour: alert on `sre_kit_db_cert_expiry_seconds <
/// 600`. With the connector, `sre_kit_db_auth_refreshes_total` also counts tokens for the Admin
/// API; the age is that of the login token.
#[derive(Clone)]
pub struct DbMetrics {
    pub(super) families: Arc<Families>,
}

impl DbMetrics {
    /// Registers the metric families in `registry`.
    ///
    /// # Errors
    ///
    /// Returns an error if `registry` has them already: clone the first `DbMetrics` instead.
    pub fn new(registry: &Registry) -> Result<Self, ConfigError> {
        Ok(Self { families: Arc::new(Families::register(registry)?) })
    }

    /// Reads gauges from `source` until it is dropped.
    pub(crate) fn read_from(&self, source: Weak<dyn GaugeSource>) {
        self.families.gauges.add(source);
    }
}

impl fmt::Debug for DbMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DbMetrics").finish_non_exhaustive()
    }
}
