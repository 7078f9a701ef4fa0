//! A family of sharded series under one name, bounded in number.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::buckets::Buckets;
use super::cells::{CellOffset, ShardedCells};
use super::exemplars::Exemplars;
use super::labels::push_pair;
use super::series::Series;
use super::visit::{Desc, Kind, Visitor};
use sre_kit_core::ConfigError;

/// The label of the series that takes what came after a family was full, as the
/// OpenTelemetry metrics SDK specification names it.
pub const OVERFLOW_LABEL: &str = "otel_metric_overflow=\"true\"";

/// Series encoded before the lock is let go for a moment, so that a request
/// that makes a new series never waits for a whole scrape.
const BATCH: usize = 64;

pub struct Family {
    desc: Desc,
    buckets: Option<Buckets>,
    cells: Arc<ShardedCells>,
    limit: usize,
    overflow: CellOffset,
    series: Mutex<Series>,
    /// By row, made when the first exemplar is offered.
    exemplars: Mutex<HashMap<u32, Arc<Exemplars>>>,
}

impl Family {
    pub fn new(
        desc: Desc,
        buckets: Option<Buckets>,
        cells: Arc<ShardedCells>,
        limit: usize,
    ) -> Result<Self, ConfigError> {
        let len = buckets.as_ref().map_or(1, Buckets::row_len);
        let Some(overflow) = cells.take_row(len) else {
            return Err(ConfigError::new(
                "registry",
                &desc.name,
                "there is no room for one more family",
                "make fewer families or use a second registry",
            ));
        };
        Ok(Self::with_overflow(desc, buckets, cells, limit, overflow))
    }

    /// A family whose rows are taken by somebody else, the overflow row too.
    pub fn with_overflow(
        desc: Desc,
        buckets: Option<Buckets>,
        cells: Arc<ShardedCells>,
        limit: usize,
        overflow: CellOffset,
    ) -> Self {
        Self {
            desc,
            buckets,
            cells,
            limit,
            overflow,
            series: Mutex::default(),
            exemplars: Mutex::default(),
        }
    }

    /// Takes `row` in as a series. The caller keeps the number within bounds.
    pub fn adopt(&self, labels: &str, row: CellOffset) {
        // Texts of 4 GiB in one family: what cannot be named is in the sums all the same.
        let _ = self.lock().push(labels, row);
    }

    pub fn name(&self) -> &str {
        &self.desc.name
    }

    pub fn kind(&self) -> Kind {
        self.desc.kind
    }

    pub fn cells(&self) -> &Arc<ShardedCells> {
        &self.cells
    }

    /// The row that takes everything past the limit.
    pub fn overflow_row(&self) -> CellOffset {
        self.overflow
    }

    /// Makes a series. The caller sees to it that `labels` is new to the family.
    pub fn create(&self, labels: &str) -> CellOffset {
        self.create_in(&mut self.lock(), labels)
    }

    /// The series with these labels, made now if it was not there.
    pub fn find_or_create(&self, labels: &str) -> CellOffset {
        let mut series = self.lock();
        match series.find(labels) {
            Ok(row) => row,
            Err(place) => {
                let row = self.create_in(&mut series, labels);
                if row != self.overflow {
                    series.order_last(place);
                }
                row
            }
        }
    }

    fn create_in(&self, series: &mut Series, labels: &str) -> CellOffset {
        if series.len() >= self.limit {
            return self.overflow;
        }
        let len = self.buckets.as_ref().map_or(1, Buckets::row_len);
        let row = self.cells.take_row(len).filter(|&row| series.push(labels, row));
        row.unwrap_or(self.overflow)
    }

    /// How many observations went into the overflow series.
    pub fn overflowed(&self) -> u64 {
        match &self.buckets {
            None => self.cells.sum(self.overflow, 0),
            Some(buckets) => {
                (0..=buckets.bounds().len()).map(|i| self.cells.sum(self.overflow, i)).sum()
            }
        }
    }

    /// The exemplars of a histogram's series.
    ///
    /// Takes a lock and may allocate: keep what it returns.
    pub fn exemplars(&self, row: CellOffset) -> Arc<Exemplars> {
        let buckets = self.buckets.as_ref().map_or(0, |buckets| buckets.bounds().len() + 1);
        let mut all = self.exemplars.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(row.index()).or_insert_with(|| Arc::new(Exemplars::new(buckets))))
    }

    fn known_exemplars(&self, row: CellOffset) -> Option<Arc<Exemplars>> {
        let all = self.exemplars.lock().unwrap_or_else(PoisonError::into_inner);
        if all.is_empty() { None } else { all.get(&row.index()).cloned() }
    }

    pub fn visit(&self, visitor: &mut dyn Visitor) {
        let mut scratch = vec![0; self.buckets.as_ref().map_or(1, Buckets::row_len)];
        let overflowed = self.overflowed() > 0;
        let mut next = 0;
        loop {
            let series = self.lock();
            if next == 0 && (overflowed || series.len() > 0) {
                visitor.family(&self.desc);
            }
            let end = series.len().min(next + BATCH);
            for (labels, row) in series.range(next, end) {
                self.sample(visitor, labels, row, &mut scratch);
            }
            if end == series.len() {
                break;
            }
            next = end;
        }
        if overflowed {
            self.sample(visitor, OVERFLOW_LABEL, self.overflow, &mut scratch);
        }
    }

    fn sample(
        &self,
        visitor: &mut dyn Visitor,
        labels: &str,
        row: CellOffset,
        scratch: &mut [u64],
    ) {
        scratch.fill(0);
        self.cells.sum_into(row, scratch);
        match &self.buckets {
            Some(buckets) => {
                let exemplars = self.known_exemplars(row);
                visitor.histogram(labels, buckets, scratch, exemplars.as_deref());
            }
            None => visitor.integer(labels, scratch[0]),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Series> {
        self.series.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Family")
            .field("name", &self.desc.name)
            .field("kind", &self.desc.kind)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// Renders values under their names; what is missing is empty, what is too much is left out.
pub fn label_text(names: &[Box<str>], values: &[&str]) -> String {
    let mut text = String::new();
    push_labels(&mut text, names, values);
    text
}

fn push_labels(text: &mut String, names: &[Box<str>], values: &[&str]) {
    for (name, value) in names.iter().zip(values) {
        push_pair(text, name, value);
    }
}

/// The values of a family that are computed when it is scraped.
///
/// Handed to the closure of [`Registry::gauge_fn`](super::Registry::gauge_fn)
/// and [`Registry::counter_fn`](super::Registry::counter_fn).
pub struct Samples<'a> {
    visitor: &'a mut dyn Visitor,
    desc: &'a Desc,
    names: &'a [Box<str>],
    left: usize,
    begun: bool,
    /// Used again for each sample.
    labels: String,
}

impl<'a> Samples<'a> {
    pub fn new(
        visitor: &'a mut dyn Visitor,
        desc: &'a Desc,
        names: &'a [Box<str>],
        limit: usize,
    ) -> Self {
        Self { visitor, desc, names, left: limit, begun: false, labels: String::new() }
    }

    /// Reports one value. `label_values` follow the order of the label names;
    /// an empty value leaves its label out. Not pushing anything leaves the
    /// family out of this scrape, which is right when the source is absent.
    ///
    /// Past the registry's limit of series per family, samples are left out.
    pub fn push(&mut self, label_values: &[&str], value: f64) {
        if self.left == 0 {
            return;
        }
        self.left -= 1;
        if !self.begun {
            self.begun = true;
            self.visitor.family(self.desc);
        }
        self.labels.clear();
        push_labels(&mut self.labels, self.names, label_values);
        // Whole numbers of a counter are printed as such.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        if self.desc.kind == Kind::Counter && value.fract() == 0.0 && (0.0..9e15).contains(&value) {
            self.visitor.integer(&self.labels, value as u64);
        } else {
            self.visitor.float(&self.labels, value);
        }
    }
}

impl fmt::Debug for Samples<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Samples").field("family", &self.desc.name).finish_non_exhaustive()
    }
}
