//! What a caller holds: counters and histograms that are resolved once.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::buckets::{Buckets, Scale};
use super::cells::{CellOffset, ShardCells, ShardId, ShardedCells, Writer};
use super::exemplars::Link;
use super::family::{Family, label_text};

/// A counter whose additions never meet on one cache line.
///
/// Adding takes no lock and allocates nothing. Clones count together.
///
/// ```
/// use sre_kit_metrics::Registry;
///
/// let registry = Registry::new();
/// let jobs = registry.counter("jobs_total", "Jobs done.")?;
/// jobs.inc();
/// jobs.add(2);
/// assert_eq!(jobs.get(), 3);
/// # Ok::<(), sre_kit_metrics::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Counter {
    cells: Arc<ShardedCells>,
    row: CellOffset,
}

impl Counter {
    pub(crate) fn new(cells: Arc<ShardedCells>, row: CellOffset) -> Self {
        Self { cells, row }
    }

    /// Adds one.
    #[inline]
    pub fn inc(&self) {
        self.add(1);
    }

    /// Adds `n`. The count wraps at 2^64.
    #[inline]
    pub fn add(&self, n: u64) {
        self.cells.writer(self.row, self.cells.current_shard()).add(0, n);
    }

    /// Its cell in one column, to be kept: finding it again is free.
    pub(crate) fn column(&self, place: ShardId) -> ShardCells {
        self.cells.column(self.row, place)
    }

    /// The sum of all shards. An addition that happened before this call is in it.
    pub fn get(&self) -> u64 {
        self.cells.sum(self.row, 0)
    }
}

impl fmt::Debug for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Counter").field(&self.get()).finish()
    }
}

/// Counters of one name, told apart by label values.
#[derive(Clone, Debug)]
pub struct CounterFamily {
    pub(crate) family: Arc<Family>,
    pub(crate) names: Arc<[Box<str>]>,
}

impl CounterFamily {
    /// The counter with these label values, in the order of the label names. It
    /// exists at zero from now on.
    ///
    /// Takes a lock and may allocate: keep the handle. When the family has as
    /// many series as the registry allows, this is the overflow series.
    pub fn with(&self, label_values: &[&str]) -> Counter {
        let row = self.family.find_or_create(&label_text(&self.names, label_values));
        Counter::new(Arc::clone(self.family.cells()), row)
    }
}

/// A histogram whose observations never meet on one cache line.
///
/// Observing takes no lock and allocates nothing. Clones count together.
#[derive(Clone)]
pub struct Histogram {
    cells: Arc<ShardedCells>,
    row: CellOffset,
    buckets: Buckets,
}

impl Histogram {
    pub(crate) fn new(cells: Arc<ShardedCells>, row: CellOffset, buckets: Buckets) -> Self {
        Self { cells, row, buckets }
    }

    /// Records a duration. For bounds in whole units it counts as its nanoseconds.
    #[inline]
    pub fn observe_duration(&self, duration: Duration) {
        self.observe_raw(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Records a value in the unit of the bounds: seconds, or whole units.
    ///
    /// Negative values and NaN count as 0.
    #[inline]
    pub fn observe(&self, value: f64) {
        let scaled = match self.buckets.scale() {
            Scale::Nanos => value * 1e9,
            Scale::Ones => value,
        };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        // `as` saturates: NaN and negatives become 0.
        self.observe_raw(scaled.round() as u64);
    }

    /// Records nanoseconds, or whole units: the integer that is stored.
    #[inline]
    pub fn observe_raw(&self, value: u64) {
        observe(self.cells.writer(self.row, self.cells.current_shard()), 0, &self.buckets, value);
    }

    /// How many observations were made.
    pub fn count(&self) -> u64 {
        (0..=self.buckets.bounds().len()).map(|i| self.cells.sum(self.row, i)).sum()
    }
}

/// One observation into the histogram that begins `at` cells into the row: its
/// bucket, the sum, its native bucket.
#[inline]
pub fn observe(writer: Writer<'_>, at: usize, buckets: &Buckets, value: u64) {
    let (bucket, sum) = buckets.places(value);
    writer.add(at + bucket, 1);
    // Most request bodies are empty, and nothing need not be added.
    if value != 0 {
        writer.add(at + sum, value);
    }
    #[cfg(feature = "protobuf")]
    if let Some(native) = buckets.native() {
        writer.add(at + sum + 1 + native.index(value), 1);
    }
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Histogram").field("count", &self.count()).finish_non_exhaustive()
    }
}

/// Histograms of one name and one set of bounds, told apart by label values.
#[derive(Clone, Debug)]
pub struct HistogramFamily {
    pub(crate) family: Arc<Family>,
    pub(crate) names: Arc<[Box<str>]>,
    pub(crate) buckets: Buckets,
}

impl HistogramFamily {
    /// Records an integer as it is stored, and the span that it came from.
    pub(crate) fn observe_linked(&self, label_values: &[&str], value: u64, link: Option<Link>) {
        let row = self.family.find_or_create(&label_text(&self.names, label_values));
        Histogram::new(Arc::clone(self.family.cells()), row, self.buckets.clone())
            .observe_raw(value);
        if let Some(link) = link {
            let (bucket, _) = self.buckets.places(value);
            self.family.exemplars(row).offer(bucket, value, link);
        }
    }

    /// The histogram with these label values; see [`CounterFamily::with`].
    pub fn with(&self, label_values: &[&str]) -> Histogram {
        let row = self.family.find_or_create(&label_text(&self.names, label_values));
        Histogram::new(Arc::clone(self.family.cells()), row, self.buckets.clone())
    }
}
