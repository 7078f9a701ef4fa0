//! Metrics and spans of statements, connections and logins.

#[cfg(feature = "postgres")]
mod bridge_metrics;
mod callback;
#[cfg(feature = "iam")]
mod certificate_metrics;
#[cfg(feature = "postgres")]
mod credential_metrics;
mod db_metrics;
#[cfg(feature = "postgres")]
mod dial_metrics;
mod families;
mod gauges;
mod operation;
mod pending;
mod pool_metrics;
mod recorder;
mod span;
mod transaction;

#[cfg(feature = "postgres")]
pub(crate) use bridge_metrics::BridgeMetrics;
pub(crate) use callback::run_transaction;
#[cfg(feature = "iam")]
pub(crate) use certificate_metrics::CertificateMetrics;
#[cfg(feature = "postgres")]
pub(crate) use credential_metrics::CredentialMetrics;
pub use db_metrics::DbMetrics;
#[cfg(feature = "postgres")]
pub(crate) use dial_metrics::DialMetrics;
pub(crate) use gauges::{GaugeSource, PoolConnections, PoolSnapshot};
pub(crate) use operation::Operation;
pub(crate) use pool_metrics::PoolMetrics;
pub(crate) use recorder::{ConnectionSource, Recorder, on_executed};
pub use transaction::DbTransaction;
