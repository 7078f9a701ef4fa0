//! Counts of what starts and ends: calls to others and units of work.

use std::sync::{Arc, Mutex, PoisonError};

use sre_kit_metrics::internal::{
    CellOffset, Collect, Desc, Kind, OVERFLOW_LABEL, ShardedCells, Visitor, Writer, push_pair,
};

/// The names and help texts of the families that [`Counts`] exports.
#[derive(Clone, Copy)]
pub(crate) struct CountNames {
    pub(crate) started: (&'static str, &'static str),
    pub(crate) ended: (&'static str, &'static str),
    pub(crate) active: (&'static str, &'static str),
    /// The values of the label `outcome`.
    pub(crate) outcomes: &'static [&'static str],
}

impl CountNames {
    /// Returns the names to reserve in the registry.
    pub(crate) fn families(&self) -> [(&'static str, Kind); 3] {
        [
            (self.started.0, Kind::Counter),
            (self.ended.0, Kind::Counter),
            (self.active.0, Kind::Gauge),
        ]
    }

    /// Returns the number of cells of one entry: one per outcome, and the starts behind them.
    pub(crate) fn cells(&self) -> usize {
        self.outcomes.len() + 1
    }
}

/// Counts of starts and of ends by outcome, per label set.
///
/// There is no counter of what is in flight. It is the number of starts minus the number of ends,
/// so it cannot leak, and the three add up in every scrape.
pub(crate) struct Counts {
    names: CountNames,
    cells: Arc<ShardedCells>,
    limit: usize,
    overflow: CellOffset,
    entries: Mutex<Vec<Entry>>,
}

struct Entry {
    labels: Box<str>,
    cells: CellOffset,
    overflow: bool,
}

struct Sums {
    outcomes: Vec<u64>,
    started: u64,
}

impl Counts {
    /// Creates the counts. Label sets above `limit` are counted at `overflow`.
    pub(crate) fn new(
        names: CountNames,
        cells: Arc<ShardedCells>,
        limit: usize,
        overflow: CellOffset,
    ) -> Self {
        let entry = Entry { labels: OVERFLOW_LABEL.into(), cells: overflow, overflow: true };
        Self { names, cells, limit, overflow, entries: Mutex::new(vec![entry]) }
    }

    /// Allocates `len` cells for a label set, the first of which belong to this type. Returns
    /// `None` if the label set has to share the overflow entry.
    pub(crate) fn allocate(&self, len: usize, labels: &str) -> Option<CellOffset> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() > self.limit {
            return None;
        }
        let cells = self.cells.allocate(len)?;
        entries.push(Entry { labels: labels.into(), cells, overflow: false });
        Some(cells)
    }

    /// Returns the cells of the overflow entry.
    #[cfg(feature = "outbound")]
    pub(crate) fn overflow(&self) -> CellOffset {
        self.overflow
    }

    /// Counts a start.
    #[inline]
    pub(crate) fn start(&self, writer: Writer<'_>) {
        writer.add(self.names.outcomes.len(), 1);
    }

    /// Counts an end, by the index of its outcome.
    #[inline]
    pub(crate) fn end(writer: Writer<'_>, outcome: usize) {
        // Release: a reader that sees this end also sees the start before it, even if the start was
        // counted in another shard.
        writer.add_release(outcome, 1);
    }

    /// Sums the cells of one label set over all shards.
    ///
    /// Ends are read before starts. A sum that contains an end therefore contains its start, and
    /// the number in flight is never negative.
    fn sums(&self, cells: CellOffset) -> Sums {
        let mut outcomes = vec![0; self.names.outcomes.len()];
        self.cells.sum_into(cells, &mut outcomes);
        Sums { started: self.cells.sum(cells, outcomes.len()), outcomes }
    }

    fn fold(&self, value: impl Fn(&Sums) -> u64) -> u64 {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.iter().map(|entry| value(&self.sums(entry.cells))).sum()
    }

    /// Returns the number of starts.
    pub(crate) fn started(&self) -> u64 {
        self.fold(|sums| sums.started)
    }

    /// Returns the number of ends in one outcome.
    pub(crate) fn ended(&self, outcome: usize) -> u64 {
        self.fold(|sums| sums.outcomes[outcome])
    }

    /// Returns how many have started and not ended.
    pub(crate) fn active(&self) -> u64 {
        self.fold(Sums::active)
    }
}

impl Sums {
    fn active(&self) -> u64 {
        self.started.wrapping_sub(self.outcomes.iter().sum())
    }
}

impl Collect for Counts {
    fn collect(&self, visitor: &mut dyn Visitor) {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let sums = entries.iter().map(|entry| (entry, self.sums(entry.cells)));
        // The overflow entry always exists and is exported once it is in use.
        let shown: Vec<_> =
            sums.filter(|(entry, sums)| !entry.overflow || sums.started > 0).collect();
        if shown.is_empty() {
            return;
        }
        visitor.family(&desc(self.names.started, Kind::Counter));
        for (entry, sums) in &shown {
            visitor.integer(&entry.labels, sums.started);
        }
        visitor.family(&desc(self.names.ended, Kind::Counter));
        for (entry, sums) in &shown {
            for (outcome, count) in self.names.outcomes.iter().zip(&sums.outcomes) {
                let mut labels = entry.labels.to_string();
                push_pair(&mut labels, "outcome", outcome);
                visitor.integer(&labels, *count);
            }
        }
        visitor.family(&desc(self.names.active, Kind::Gauge));
        for (entry, sums) in &shown {
            visitor.integer(&entry.labels, sums.active());
        }
    }

    fn overflowed(&self) -> Option<(&'static str, u64)> {
        Some((self.names.started.0, self.sums(self.overflow).started))
    }
}

fn desc((name, help): (&str, &str), kind: Kind) -> Desc {
    Desc { name: name.to_owned(), help: help.to_owned(), kind }
}
