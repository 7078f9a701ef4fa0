//! The metrics of certificates.

use std::sync::Arc;

use super::db_metrics::DbMetrics;
use super::families::Families;
use sre_kit_metrics::Counter;

/// The metrics of the connector's certificates.
#[derive(Clone)]
pub(crate) struct CertificateMetrics {
    families: Arc<Families>,
    pool: Arc<str>,
    refreshed: Counter,
}

impl CertificateMetrics {
    pub(crate) fn new(metrics: &DbMetrics, pool: &str) -> Self {
        let families = Arc::clone(&metrics.families);
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
