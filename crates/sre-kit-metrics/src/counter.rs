//! Handles of sharded counters.

use std::fmt;
use std::sync::Arc;

use crate::cells::{CellOffset, ShardCells, ShardId, ShardedCells};
use crate::family::Family;
use crate::labels::label_text;

/// A counter whose additions never meet on one cache line.
///
/// Adding takes no lock and allocates nothing. Clones share one count.
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
    offset: CellOffset,
}

impl Counter {
    /// Adds one.
    #[inline]
    pub fn inc(&self) {
        self.add(1);
    }

    /// Adds `n`. The count wraps at 2^64.
    #[inline]
    pub fn add(&self, n: u64) {
        self.cells.writer(self.offset, self.cells.current_shard()).add(0, n);
    }

    /// Returns the sum of all shards. It includes every addition that happened before this call.
    pub fn get(&self) -> u64 {
        self.cells.sum(self.offset, 0)
    }

    /// Returns the counter's cell in one shard, to be kept: finding it again costs nothing.
    pub(crate) fn shard_cells(&self, shard: ShardId) -> ShardCells {
        self.cells.shard_cells(self.offset, shard)
    }
}

impl fmt::Debug for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Counter").field(&self.get()).finish()
    }
}

/// A family of counters under one name, with one counter per set of label values.
#[derive(Clone, Debug)]
pub struct CounterFamily {
    family: Arc<Family>,
    label_names: Arc<[Box<str>]>,
}

impl CounterFamily {
    pub(crate) fn new(family: Arc<Family>, label_names: Arc<[Box<str>]>) -> Self {
        Self { family, label_names }
    }

    /// Returns the counter with these label values, in the order of the label names, and creates
    /// it at zero if necessary.
    ///
    /// It takes a lock and can allocate: keep the handle. If the family has as many series as the
    /// registry allows, this is the overflow series.
    pub fn with(&self, label_values: &[&str]) -> Counter {
        let offset = self.family.find_or_create(&label_text(&self.label_names, label_values));
        Counter { cells: Arc::clone(self.family.cells()), offset }
    }
}
