//! The metrics of dials.

use std::sync::Arc;
use std::time::Duration;

use super::db_metrics::DbMetrics;
use super::families::Families;

/// The metrics of the phases of a login.
#[derive(Clone)]
pub(crate) struct DialMetrics {
    families: Arc<Families>,
    pool: Arc<str>,
}

impl DialMetrics {
    pub(crate) fn new(metrics: &DbMetrics, pool: &str) -> Self {
        Self { families: Arc::clone(&metrics.families), pool: pool.into() }
    }

    pub(crate) fn phase(&self, phase: &str, error_type: &str, took: Duration) {
        self.families.phases.with(&[&self.pool, phase, error_type]).observe_duration(took);
    }
}
