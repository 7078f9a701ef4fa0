//! The metrics of pools and statements.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use super::db_metrics::DbMetrics;
use super::families::Families;
use super::operation::Operation;
use sre_kit_metrics::{Counter, Histogram};

/// The metrics of a pool and its statements.
pub(crate) struct PoolMetrics {
    families: Arc<Families>,
    /// The label values of all operations of the pool: system, namespace, server address and port.
    common: [String; 4],
    /// The series of operations, by operation and error type.
    operations: RwLock<HashMap<Operation, HashMap<Box<str>, Histogram>>>,
    pub(crate) waits: Histogram,
    pub(crate) timeouts: Counter,
    pub(crate) by_age: Counter,
    pub(crate) by_idleness: Counter,
    pub(crate) broken: Counter,
    /// The pending migrations at the last check.
    pending: Mutex<Option<u64>>,
}

impl PoolMetrics {
    /// Creates the metrics of `pool`. `common` is system, namespace, server address and port.
    pub(crate) fn new(metrics: &DbMetrics, pool: &str, common: [String; 4]) -> Self {
        let families = Arc::clone(&metrics.families);
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

    /// Returns the pending migrations at the last check; `None` before the first.
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

    /// Records an operation.
    pub(crate) fn operation(&self, operation: &Operation, error_type: &str, took: Duration) {
        {
            let cached = self.operations.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(series) = cached.get(operation).and_then(|by| by.get(error_type)) {
                series.observe_duration(took);
                return;
            }
        }
        let [system, namespace, address, port] = &self.common;
        let (name, collection) = (operation.name, operation.collection.as_str());
        let values = [system, namespace, name, collection, address, port, error_type];
        let series = self.families.operations.with(&values);
        series.observe_duration(took);
        let mut cached = self.operations.write().unwrap_or_else(PoisonError::into_inner);
        // The registry folds further series into one, so a larger cache would be of no use.
        if cached.len() < 2_000 {
            cached.entry(operation.clone()).or_default().insert(error_type.into(), series);
        }
    }
}

impl fmt::Debug for PoolMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolMetrics").field("common", &self.common).finish_non_exhaustive()
    }
}
