//! What a measurement does to the cells of its series.

use crate::buckets::Buckets;
use crate::cells::{CellOffset, ShardedCells};
use crate::floats;
use crate::histogram::observe;
use crate::scale::Scale;

/// The cells of one series.
#[derive(Clone, Copy)]
pub(super) struct Series<'a> {
    pub(super) cells: &'a ShardedCells,
    pub(super) buckets: Option<&'a Buckets>,
    pub(super) offset: CellOffset,
}

/// A way to record values of type `T`.
pub(super) trait Record<T>: 'static {
    /// Records `value` in the series.
    fn record(series: Series<'_>, value: T);
}

/// Adds to a sum that only grows.
pub(super) struct Sum;

/// Adds to a sum that rises and falls.
pub(super) struct UpDown;

/// Replaces the value.
pub(super) struct Last;

/// Adds to a histogram.
pub(super) struct Distribution;

impl Record<u64> for Sum {
    #[inline]
    fn record(series: Series<'_>, value: u64) {
        series.cells.writer(series.offset, series.cells.current_shard()).add(0, value);
    }
}

impl Record<f64> for Sum {
    #[inline]
    fn record(series: Series<'_>, value: f64) {
        if value >= 0.0 {
            UpDown::record(series, value);
        }
    }
}

impl Record<i64> for UpDown {
    #[inline]
    fn record(series: Series<'_>, value: i64) {
        Sum::record(series, value.cast_unsigned());
    }
}

impl Record<f64> for UpDown {
    #[inline]
    fn record(series: Series<'_>, value: f64) {
        if value.is_finite() {
            let writer = series.cells.writer(series.offset, series.cells.current_shard());
            writer.add_float(0, value);
        }
    }
}

impl Record<u64> for Last {
    #[inline]
    fn record(series: Series<'_>, value: u64) {
        series.cells.gauge_writer(series.offset).set(0, value);
    }
}

impl Record<i64> for Last {
    #[inline]
    fn record(series: Series<'_>, value: i64) {
        Self::record(series, value.cast_unsigned());
    }
}

impl Record<f64> for Last {
    #[inline]
    fn record(series: Series<'_>, value: f64) {
        if value.is_finite() {
            Self::record(series, value.to_bits());
        }
    }
}

impl Record<f64> for Distribution {
    #[inline]
    fn record(series: Series<'_>, value: f64) {
        let Some(buckets) = series.buckets else { return };
        if !(value.is_finite() && value >= 0.0) {
            return;
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let recorded = match buckets.scale() {
            Scale::Floats => floats::to_ordered(value),
            // Bounds that the program set. `as` saturates.
            Scale::Nanos => (value * 1e9).round() as u64,
            Scale::Ones => value.round() as u64,
        };
        let writer = series.cells.writer(series.offset, series.cells.current_shard());
        observe(writer, 0, buckets, recorded);
    }
}

impl Record<u64> for Distribution {
    #[inline]
    fn record(series: Series<'_>, value: u64) {
        Self::record(series, value as f64);
    }
}
