//! What a caller holds: counters and histograms that are resolved once.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::buckets::{Buckets, Scale};
use super::cells::{Cells, Row, add};
use super::family::{Family, label_text};

/// A counter whose additions never meet on one cache line.
///
/// Adding takes no lock and allocates nothing. Clones count together.
///
/// ```
/// use sre_kit::metrics::Registry;
///
/// let registry = Registry::new();
/// let jobs = registry.counter("jobs_total", "Jobs done.")?;
/// jobs.inc();
/// jobs.add(2);
/// assert_eq!(jobs.get(), 3);
/// # Ok::<(), sre_kit::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Counter {
    cells: Arc<Cells>,
    row: Row,
}

impl Counter {
    pub(crate) fn new(cells: Arc<Cells>, row: Row) -> Self {
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
        add(self.cells.row(self.row).first(), n);
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
    cells: Arc<Cells>,
    row: Row,
    buckets: Buckets,
}

impl Histogram {
    pub(crate) fn new(cells: Arc<Cells>, row: Row, buckets: Buckets) -> Self {
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
        observe(&self.cells, self.cells.my_shard(), self.row, &self.buckets, value);
    }

    /// How many observations were made.
    pub fn count(&self) -> u64 {
        (0..=self.buckets.bounds().len()).map(|i| self.cells.sum(self.row, i)).sum()
    }
}

/// One observation into `row`: its bucket and the sum.
#[inline]
pub(crate) fn observe(cells: &Cells, shard: usize, row: Row, buckets: &Buckets, value: u64) {
    let row = cells.row_in(row, shard);
    let bounds = buckets.bounds().len();
    add(row.get(buckets.index(value)), 1);
    add(row.get(bounds + 1), value);
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
    /// The histogram with these label values; see [`CounterFamily::with`].
    pub fn with(&self, label_values: &[&str]) -> Histogram {
        let row = self.family.find_or_create(&label_text(&self.names, label_values));
        Histogram::new(Arc::clone(self.family.cells()), row, self.buckets.clone())
    }
}
