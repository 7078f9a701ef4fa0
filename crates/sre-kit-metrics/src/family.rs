//! A family of sharded series under one name, bounded in number.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use sre_kit_core::ConfigError;

use crate::buckets::Buckets;
use crate::cells::{CellOffset, ShardedCells};
use crate::exemplars::Exemplars;
use crate::floats;
use crate::scale::Scale;
use crate::series::Series;
use crate::visit::{Desc, Kind, Visitor};

/// The label of the series that counts for all label sets above a family's limit. The
/// OpenTelemetry metrics SDK specification defines it.
pub const OVERFLOW_LABEL: &str = "otel_metric_overflow=\"true\"";

/// The number of series that are visited before the lock is released for a moment, so that a
/// request that creates a series never waits for a whole scrape.
const BATCH: usize = 64;

/// The meaning of the cell of a series that is not a histogram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Number {
    /// An integer.
    #[default]
    Unsigned,
    /// An integer in two's complement.
    Signed,
    /// The bits of a float.
    Float,
}

/// A family of sharded series under one name.
pub struct Family {
    desc: Desc,
    /// The heading with a help text that was given later.
    described: OnceLock<Desc>,
    number: Number,
    /// How often a series was asked for that the limit left no room for. Where the cells are not
    /// counts, it stands for the observations of the overflow series.
    turned_away: AtomicU64,
    buckets: Option<Buckets>,
    cells: Arc<ShardedCells>,
    limit: usize,
    overflow: CellOffset,
    series: Mutex<Series>,
    /// By cell offset, created when the first exemplar is offered.
    exemplars: Mutex<HashMap<u32, Arc<Exemplars>>>,
}

impl Family {
    /// Creates a family and allocates its overflow series.
    pub(crate) fn new(
        desc: Desc,
        buckets: Option<Buckets>,
        cells: Arc<ShardedCells>,
        limit: usize,
    ) -> Result<Self, ConfigError> {
        let len = buckets.as_ref().map_or(1, Buckets::cell_count);
        let Some(overflow) = cells.allocate(len) else {
            return Err(ConfigError::new(
                "registry",
                &desc.name,
                "there is no room for one more family",
                "make fewer families or use a second registry",
            ));
        };
        Ok(Self::with_overflow(desc, buckets, cells, limit, overflow))
    }

    /// Creates a family whose series, also the overflow series, the caller allocates.
    pub(crate) fn with_overflow(
        desc: Desc,
        buckets: Option<Buckets>,
        cells: Arc<ShardedCells>,
        limit: usize,
        overflow: CellOffset,
    ) -> Self {
        Self {
            desc,
            described: OnceLock::new(),
            number: Number::Unsigned,
            turned_away: AtomicU64::new(0),
            buckets,
            cells,
            limit,
            overflow,
            series: Mutex::default(),
            exemplars: Mutex::default(),
        }
    }

    /// Returns the family with cells that are read as `number`.
    pub(crate) fn with_number(mut self, number: Number) -> Self {
        self.number = number;
        self
    }

    /// Sets the help text, unless there is one.
    pub(crate) fn describe(&self, help: &str) {
        if self.desc.help.is_empty() && !help.is_empty() {
            self.described.get_or_init(|| Desc { help: help.to_owned(), ..self.desc.clone() });
        }
    }

    /// Returns the buckets of a histogram.
    pub(crate) fn buckets(&self) -> Option<&Buckets> {
        self.buckets.as_ref()
    }

    /// Adds a series whose cells the caller has allocated. The caller bounds their number.
    pub fn adopt(&self, labels: &str, offset: CellOffset) {
        // This fails only if the label texts of one family take 4 GiB. The series is then not
        // exported.
        let _ = self.lock().push(labels, offset);
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.desc.name
    }

    /// Returns the kind of the samples.
    pub fn kind(&self) -> Kind {
        self.desc.kind
    }

    /// Returns the cells that the series lie in.
    pub fn cells(&self) -> &Arc<ShardedCells> {
        &self.cells
    }

    /// Returns the offset of the overflow series.
    pub fn overflow(&self) -> CellOffset {
        self.overflow
    }

    /// Creates a series and returns its offset. The caller ensures that the family has no series
    /// `labels` yet. Returns the overflow series if the family is full.
    pub fn create(&self, labels: &str) -> CellOffset {
        self.create_in(&mut self.lock(), labels)
    }

    /// Returns the offset of the series with these labels and creates it if necessary. Returns the
    /// overflow series if the family is full.
    pub fn find_or_create(&self, labels: &str) -> CellOffset {
        let mut series = self.lock();
        match series.find(labels) {
            Ok(offset) => offset,
            Err(position) => {
                let offset = self.create_in(&mut series, labels);
                if offset != self.overflow {
                    series.order_last(position);
                }
                offset
            }
        }
    }

    fn create_in(&self, series: &mut Series, labels: &str) -> CellOffset {
        if series.len() >= self.limit {
            self.turned_away.fetch_add(1, Ordering::Relaxed);
            return self.overflow;
        }
        let len = self.buckets.as_ref().map_or(1, Buckets::cell_count);
        let offset = self.cells.allocate(len).filter(|&offset| series.push(labels, offset));
        offset.unwrap_or(self.overflow)
    }

    /// Returns how many observations the overflow series counted.
    pub fn overflowed(&self) -> u64 {
        match &self.buckets {
            None if self.number == Number::Unsigned && self.desc.kind == Kind::Counter => {
                self.cells.sum(self.overflow, 0)
            }
            None => self.turned_away.load(Ordering::Relaxed),
            Some(buckets) => {
                (0..=buckets.bounds().len()).map(|i| self.cells.sum(self.overflow, i)).sum()
            }
        }
    }

    /// Returns the exemplars of a histogram's series and creates them if necessary.
    ///
    /// It takes a lock and can allocate: keep what it returns.
    pub fn exemplars(&self, offset: CellOffset) -> Arc<Exemplars> {
        let buckets = self.buckets.as_ref().map_or(0, |buckets| buckets.bounds().len() + 1);
        let mut all = self.exemplars.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(offset.index()).or_insert_with(|| Arc::new(Exemplars::new(buckets))))
    }

    fn existing_exemplars(&self, offset: CellOffset) -> Option<Arc<Exemplars>> {
        let all = self.exemplars.lock().unwrap_or_else(PoisonError::into_inner);
        if all.is_empty() { None } else { all.get(&offset.index()).cloned() }
    }

    /// Shows every series to `visitor`.
    pub fn visit(&self, visitor: &mut dyn Visitor) {
        let mut scratch = vec![0; self.buckets.as_ref().map_or(1, Buckets::cell_count)];
        let overflowed = self.overflowed() > 0;
        let mut next = 0;
        loop {
            let series = self.lock();
            if next == 0 && (overflowed || series.len() > 0) {
                visitor.family(self.described.get().unwrap_or(&self.desc));
            }
            let end = series.len().min(next + BATCH);
            for (labels, offset, created) in series.range(next, end) {
                visitor.created(created);
                self.sample(visitor, labels, offset, &mut scratch);
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
        offset: CellOffset,
        scratch: &mut [u64],
    ) {
        scratch.fill(0);
        self.cells.sum_into(offset, scratch);
        match &self.buckets {
            Some(buckets) => {
                if buckets.scale() == Scale::Floats {
                    let sum = buckets.bounds().len() + 1;
                    scratch[sum] = floats::to_ordered(self.cells.sum_floats(offset, sum));
                }
                let exemplars = self.existing_exemplars(offset);
                visitor.histogram(labels, buckets, scratch, exemplars.as_deref());
            }
            None => match self.number {
                Number::Unsigned => visitor.integer(labels, scratch[0]),
                Number::Signed => visitor.signed(labels, scratch[0].cast_signed()),
                Number::Float => visitor.float(labels, self.cells.sum_floats(offset, 0)),
            },
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
