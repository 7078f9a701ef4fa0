//! Handles that the facade keeps: each writes to the cells of one series.

use std::sync::{Arc, Mutex, PoisonError};

use metrics::{CounterFn, GaugeFn, HistogramFn};

use crate::cells::{CellOffset, ShardedCells};
use crate::histogram::Histogram;

/// A counter of the facade.
pub(super) struct FacadeCounter {
    pub(super) cells: Arc<ShardedCells>,
    pub(super) offset: CellOffset,
    /// Held while the counter is set to an absolute value.
    pub(super) absolute: Mutex<()>,
}

impl CounterFn for FacadeCounter {
    #[inline]
    fn increment(&self, value: u64) {
        self.cells.writer(self.offset, self.cells.current_shard()).add(0, value);
    }

    fn absolute(&self, value: u64) {
        // A counter only grows, so a value below the current one changes nothing.
        let _guard = self.absolute.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = value.saturating_sub(self.cells.sum(self.offset, 0));
        if missing > 0 {
            self.increment(missing);
        }
    }
}

/// A gauge of the facade.
pub(super) struct FacadeGauge {
    pub(super) cells: Arc<ShardedCells>,
    pub(super) offset: CellOffset,
}

impl GaugeFn for FacadeGauge {
    #[inline]
    fn increment(&self, value: f64) {
        self.cells.gauge_writer(self.offset).add_float(0, value);
    }

    #[inline]
    fn decrement(&self, value: f64) {
        self.increment(-value);
    }

    #[inline]
    fn set(&self, value: f64) {
        self.cells.gauge_writer(self.offset).set(0, value.to_bits());
    }
}

/// A histogram of the facade.
pub(super) struct FacadeHistogram(pub(super) Histogram);

impl HistogramFn for FacadeHistogram {
    #[inline]
    fn record(&self, value: f64) {
        self.0.observe(value);
    }
}
