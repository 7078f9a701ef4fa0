//! Metrics and spans of every statement, connection and login.

mod connection;
mod gauges;
mod metrics;
mod operation;
mod session;
mod span;
mod transaction;

pub(crate) use gauges::{Readable, Reading};
#[cfg(feature = "iam")]
pub(crate) use metrics::CertificateMetrics;
pub use metrics::DbMetrics;
pub(crate) use metrics::{BridgeMetrics, CredentialMetrics, PoolMetrics};
pub(crate) use session::{Demand, Recorder, executed};
pub use transaction::DbTransaction;
