//! The counts of requests that started, ended and are in flight.

use std::sync::{Arc, Mutex, PoisonError};

use sre_kit_metrics::internal::{
    CellOffset, Collect, Desc, Kind, OVERFLOW_LABEL, ShardedCells, Visitor, Writer, push_pair,
};

use crate::golden_signals::key::SCHEMES;
use crate::golden_signals::outcome::Outcome;
use sre_kit_core::internal::METHODS;

const STARTED: &str = "sre_kit_http_server_requests_started_total";
const FINISHED: &str = "sre_kit_http_server_requests_total";
const ACTIVE: &str = "http_server_active_requests";

/// The families that [`RequestCounts`] exports.
pub(super) const FAMILIES: [(&str, Kind); 3] =
    [(STARTED, Kind::Counter), (FINISHED, Kind::Counter), (ACTIVE, Kind::Gauge)];

/// The number of cells with outcomes, and the index of the cell with starts behind them.
const OUTCOMES: usize = Outcome::ALL.len();

/// The number of cells of one entry.
pub(super) const CELLS: usize = OUTCOMES + 1;

/// The counts of requests by route, method and scheme.
///
/// There is no counter of requests in flight. Their number is that of the requests that started
/// minus that of the requests that ended, so it cannot leak, and the three add up in every scrape.
/// The tests show that each request ends exactly once.
pub(crate) struct RequestCounts {
    cells: Arc<ShardedCells>,
    limit: usize,
    overflow: CellOffset,
    entries: Mutex<Vec<Entry>>,
}

struct Entry {
    labels: Box<str>,
    method: usize,
    scheme: usize,
    overflow: bool,
    cells: CellOffset,
}

/// The sums of one entry, read in an order that keeps them consistent.
struct Sums {
    outcomes: [u64; OUTCOMES],
    started: u64,
}

impl RequestCounts {
    /// Creates the counts. Requests without an entry of their own are counted at `overflow`.
    pub(crate) fn new(cells: Arc<ShardedCells>, limit: usize, overflow: CellOffset) -> Self {
        let entry = Entry {
            labels: OVERFLOW_LABEL.into(),
            method: 0,
            scheme: 0,
            overflow: true,
            cells: overflow,
        };
        Self { cells, limit, overflow, entries: Mutex::new(vec![entry]) }
    }

    /// Allocates `len` cells for a route, method and scheme. The first [`CELLS`] of them belong to
    /// this type. Returns `None` if the requests belong to the overflow entry.
    pub(super) fn allocate(
        &self,
        len: usize,
        labels: &str,
        method: usize,
        scheme: usize,
        overflow: bool,
    ) -> Option<CellOffset> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() > self.limit {
            return None;
        }
        let cells = self.cells.allocate(len)?;
        entries.push(Entry { labels: labels.into(), method, scheme, overflow, cells });
        Some(cells)
    }

    /// Returns the cells of the overflow entry.
    pub(super) fn overflow_cells(&self) -> CellOffset {
        self.overflow
    }

    /// Counts a start.
    #[inline]
    pub(crate) fn start(writer: Writer<'_>) {
        writer.add(OUTCOMES, 1);
    }

    /// Counts an end.
    #[inline]
    pub(crate) fn end(writer: Writer<'_>, outcome: Outcome) {
        // Release: a reader that sees this end also sees the start before it, even if the start was
        // counted in another shard.
        writer.add_release(outcome as usize, 1);
    }

    /// Sums an entry over all shards.
    ///
    /// Ends are read before starts. A sum that contains the end of a request therefore contains its
    /// start, and the number in flight is never negative.
    fn sums(&self, cells: CellOffset) -> Sums {
        let mut outcomes = [0; OUTCOMES];
        self.cells.sum_into(cells, &mut outcomes);
        Sums { outcomes, started: self.cells.sum(cells, OUTCOMES) }
    }

    /// Returns the number of requests in flight.
    pub(crate) fn active(&self) -> u64 {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.iter().map(|entry| self.sums(entry.cells).active()).sum()
    }

    /// Returns the number of requests that ended in `outcome`.
    pub(crate) fn ended(&self, outcome: Outcome) -> u64 {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.iter().map(|entry| self.cells.sum(entry.cells, outcome as usize)).sum()
    }

    /// Returns the number of requests that started.
    pub(crate) fn started(&self) -> u64 {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.iter().map(|entry| self.cells.sum(entry.cells, OUTCOMES)).sum()
    }
}

impl Sums {
    fn active(&self) -> u64 {
        self.started.wrapping_sub(self.outcomes.iter().sum())
    }
}

impl Collect for RequestCounts {
    fn collect(&self, visitor: &mut dyn Visitor) {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let sums: Vec<_> = entries.iter().map(|entry| self.sums(entry.cells)).collect();
        // The overflow entry always exists and is exported once it is in use.
        let shown = || {
            entries.iter().zip(&sums).filter(|(entry, sums)| !entry.overflow || sums.started > 0)
        };
        if shown().next().is_none() {
            return;
        }
        visitor.family(&desc(STARTED, "Requests that reached the layer.", Kind::Counter));
        for (entry, sums) in shown() {
            visitor.integer(&entry.labels, sums.started);
        }
        visitor.family(&desc(FINISHED, "Requests that ended, by how they ended.", Kind::Counter));
        for (entry, sums) in shown() {
            for (outcome, count) in Outcome::ALL.iter().zip(sums.outcomes) {
                let mut labels = entry.labels.to_string();
                push_pair(&mut labels, "outcome", outcome.as_str());
                visitor.integer(&labels, count);
            }
        }
        visitor.family(&desc(ACTIVE, "Requests started and not ended.", Kind::Gauge));
        let mut active = [[None; SCHEMES.len()]; METHODS.len()];
        for (entry, sums) in shown() {
            *active[entry.method][entry.scheme].get_or_insert(0) += sums.active();
        }
        for (method, by_scheme) in METHODS.iter().zip(active) {
            for (scheme, count) in SCHEMES.iter().zip(by_scheme) {
                let Some(count) = count else { continue };
                let mut labels = String::new();
                push_pair(&mut labels, "http_request_method", method);
                push_pair(&mut labels, "url_scheme", scheme);
                visitor.integer(&labels, count);
            }
        }
    }

    fn overflowed(&self) -> Option<(&'static str, u64)> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let sum = entries
            .iter()
            .filter(|entry| entry.overflow)
            .map(|entry| self.cells.sum(entry.cells, OUTCOMES))
            .sum();
        Some((STARTED, sum))
    }
}

fn desc(name: &str, help: &str, kind: Kind) -> Desc {
    Desc { name: name.to_owned(), help: help.to_owned(), kind }
}
