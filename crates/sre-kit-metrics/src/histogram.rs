//! Handles of sharded histograms.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::buckets::Buckets;
use crate::cells::{CellOffset, ShardedCells, Writer};
use crate::exemplars::Link;
use crate::family::Family;
use crate::floats;
use crate::labels::label_text;
use crate::scale::Scale;

/// A histogram whose observations never meet on one cache line.
///
/// Observing takes no lock and allocates nothing. Clones share their counts.
///
/// ```
/// use sre_kit_metrics::{Buckets, Registry};
///
/// let registry = Registry::new();
/// let buckets = Buckets::seconds([0.1, 1.0])?;
/// let waits = registry.histogram("wait_seconds", "Time in the queue.", &buckets)?;
/// waits.observe(0.25);
/// assert_eq!(waits.count(), 1);
/// # Ok::<(), sre_kit_metrics::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Histogram {
    cells: Arc<ShardedCells>,
    offset: CellOffset,
    buckets: Buckets,
}

impl Histogram {
    /// Creates the handle of the histogram at `offset`.
    pub(crate) fn at(cells: Arc<ShardedCells>, offset: CellOffset, buckets: Buckets) -> Self {
        Self { cells, offset, buckets }
    }

    /// Records a duration. If the bounds are whole units, it records the number of nanoseconds.
    /// If they are floats, it records seconds.
    #[inline]
    pub fn observe_duration(&self, duration: Duration) {
        if self.buckets.scale() == Scale::Floats {
            return self.observe(duration.as_secs_f64());
        }
        self.observe_raw(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Records a value in the unit of the bounds: seconds, or whole units.
    ///
    /// Negative values and NaN count as 0. If the bounds are floats, a negative value counts as
    /// such, and a value that is not finite is dropped.
    #[inline]
    pub fn observe(&self, value: f64) {
        let scaled = match self.buckets.scale() {
            Scale::Nanos => value * 1e9,
            Scale::Ones => value,
            Scale::Floats => {
                if value.is_finite() {
                    self.observe_recorded(floats::to_ordered(value));
                }
                return;
            }
        };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        // `as` saturates: NaN and negatives become 0.
        self.observe_recorded(scaled.round() as u64);
    }

    /// Records an integer as it is stored: nanoseconds, or whole units. If the bounds are floats,
    /// it records that many units.
    #[inline]
    pub fn observe_raw(&self, value: u64) {
        match self.buckets.scale() {
            Scale::Nanos | Scale::Ones => self.observe_recorded(value),
            Scale::Floats => self.observe(value as f64),
        }
    }

    #[inline]
    fn observe_recorded(&self, value: u64) {
        let writer = self.cells.writer(self.offset, self.cells.current_shard());
        observe(writer, 0, &self.buckets, value);
    }

    /// Returns the number of observations.
    pub fn count(&self) -> u64 {
        (0..=self.buckets.bounds().len()).map(|i| self.cells.sum(self.offset, i)).sum()
    }
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Histogram").field("count", &self.count()).finish_non_exhaustive()
    }
}

/// Records one observation in the histogram that begins `first` cells after the writer's first
/// cell: it adds to the bucket, the sum and the native bucket.
#[inline]
pub fn observe(writer: Writer<'_>, first: usize, buckets: &Buckets, value: u64) {
    let (bucket, sum) = buckets.bucket_and_sum(value);
    writer.add(first + bucket, 1);
    if buckets.scale() == Scale::Floats {
        return writer.add_float(first + sum, floats::from_ordered(value));
    }
    // Most request bodies are empty, and adding 0 changes nothing.
    if value != 0 {
        writer.add(first + sum, value);
    }
    if let Some(native) = buckets.native() {
        writer.add(first + sum + 1 + native.index(value), 1);
    }
}

/// A family of histograms under one name and with the same bounds, with one histogram per set of
/// label values.
#[derive(Clone, Debug)]
pub struct HistogramFamily {
    family: Arc<Family>,
    label_names: Arc<[Box<str>]>,
    buckets: Buckets,
}

impl HistogramFamily {
    pub(crate) fn new(family: Arc<Family>, label_names: Arc<[Box<str>]>, buckets: Buckets) -> Self {
        Self { family, label_names, buckets }
    }

    /// Returns the histogram with these label values, in the order of the label names, and
    /// creates it if necessary.
    ///
    /// It takes a lock and can allocate: keep the handle. If the family has as many series as the
    /// registry allows, this is the overflow series.
    pub fn with(&self, label_values: &[&str]) -> Histogram {
        self.at(self.find_or_create(label_values))
    }

    /// Records an integer as it is stored, and the span that it came from.
    pub(crate) fn observe_linked(&self, label_values: &[&str], value: u64, link: Option<Link>) {
        let offset = self.find_or_create(label_values);
        self.at(offset).observe_recorded(value);
        if let Some(link) = link {
            let (bucket, _) = self.buckets.bucket_and_sum(value);
            self.family.exemplars(offset).offer(bucket, value, link);
        }
    }

    fn find_or_create(&self, label_values: &[&str]) -> CellOffset {
        self.family.find_or_create(&label_text(&self.label_names, label_values))
    }

    fn at(&self, offset: CellOffset) -> Histogram {
        Histogram { cells: Arc::clone(self.family.cells()), offset, buckets: self.buckets.clone() }
    }
}
