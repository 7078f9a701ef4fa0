//! The metrics of the bridge.

use std::sync::Arc;

use super::db_metrics::DbMetrics;
use super::dial_metrics::DialMetrics;
use super::families::Families;
use sre_kit_metrics::{Counter, Histogram};

/// The metrics of the bridge.
#[derive(Clone)]
pub(crate) struct BridgeMetrics {
    families: Arc<Families>,
    pool: Arc<str>,
    pub(crate) dial: DialMetrics,
    pub(crate) created: Histogram,
    pub(crate) retries: Counter,
    pub(crate) received: Counter,
    pub(crate) transmitted: Counter,
    pub(crate) foreign_processes: Counter,
}

impl BridgeMetrics {
    pub(crate) fn new(metrics: &DbMetrics, pool: &str) -> Self {
        let families = Arc::clone(&metrics.families);
        let created = Self {
            dial: DialMetrics::new(metrics, pool),
            created: families.creations.with(&[pool]),
            retries: families.retries.with(&[pool]),
            received: families.io.with(&[pool, "receive"]),
            transmitted: families.io.with(&[pool, "transmit"]),
            foreign_processes: families.foreign_processes.with(&[pool]),
            pool: pool.into(),
            families,
        };
        // The series exists at zero before the first login.
        created.families.logins.with(&[pool, "ok", ""]);
        created
    }

    pub(crate) fn login(&self, outcome: &str, status_code: &str) {
        self.families.logins.with(&[&self.pool, outcome, status_code]).inc();
    }
}
