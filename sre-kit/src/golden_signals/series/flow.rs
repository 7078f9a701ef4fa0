//! Requests started, how they ended, and what is in flight: one truth, three families.

use std::sync::{Arc, Mutex, PoisonError};

use super::key::SCHEMES;
use crate::golden_signals::outcome::Outcome;
use sre_kit_core::internal::METHODS;
use sre_kit_metrics::internal::{
    CellOffset, Collect, Desc, Kind, OVERFLOW_LABEL, ShardedCells, Visitor, Writer, push_pair,
};

const STARTED: &str = "http_server_requests_started_total";
const FINISHED: &str = "http_server_requests_total";
const ACTIVE: &str = "http_server_active_requests";

/// The names that [`Flow`] prints.
pub(crate) const FLOW_FAMILIES: [(&str, Kind); 3] =
    [(STARTED, Kind::Counter), (FINISHED, Kind::Counter), (ACTIVE, Kind::Gauge)];

/// One cell per outcome, and behind them the requests that started.
const OUTCOMES: usize = Outcome::ALL.len();
pub(crate) const CELLS: usize = OUTCOMES + 1;

/// Counts of requests by route, method and scheme.
///
/// In flight is no counter of its own: it is what started less what ended, so it
/// cannot leak, and in every scrape the three add up by construction. What has
/// to be shown is that each request ends exactly once; the tests do.
pub(crate) struct Flow {
    cells: Arc<ShardedCells>,
    limit: usize,
    overflow: CellOffset,
    entries: Mutex<Vec<FlowEntry>>,
}

struct FlowEntry {
    labels: Box<str>,
    method: usize,
    scheme: usize,
    overflow: bool,
    row: CellOffset,
}

/// Sums of one entry, taken so that they agree.
struct Sums {
    outcomes: [u64; OUTCOMES],
    started: u64,
}

impl Flow {
    /// `overflow` takes what finds no entry of its own.
    pub(crate) fn new(cells: Arc<ShardedCells>, limit: usize, overflow: CellOffset) -> Self {
        let entry = FlowEntry {
            labels: OVERFLOW_LABEL.into(),
            method: 0,
            scheme: 0,
            overflow: true,
            row: overflow,
        };
        Self { cells, limit, overflow, entries: Mutex::new(vec![entry]) }
    }

    /// Takes a row of `len` cells for a route, method and scheme, of which the
    /// first [`CELLS`] are counted in here. `None` when the overflow row serves.
    pub(crate) fn take(
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
        let row = self.cells.allocate(len)?;
        entries.push(FlowEntry { labels: labels.into(), method, scheme, overflow, row });
        Some(row)
    }

    /// The row for what finds no entry of its own.
    pub(crate) fn overflow_row(&self) -> CellOffset {
        self.overflow
    }

    /// Counts a start in one of its rows.
    #[inline]
    pub(crate) fn start(writer: Writer<'_>) {
        writer.add(OUTCOMES, 1);
    }

    /// Counts an end in one of its rows.
    #[inline]
    pub(crate) fn end(writer: Writer<'_>, outcome: Outcome) {
        // Who sees this end also sees the start that came before it, though it
        // may have been counted in another column.
        writer.add_release(outcome as usize, 1);
    }

    /// Ends are read before starts, in all columns: a start is never missed for
    /// an end that was seen, so nothing in flight is ever negative.
    fn sums(&self, row: CellOffset) -> Sums {
        let mut outcomes = [0; OUTCOMES];
        self.cells.sum_into(row, &mut outcomes);
        Sums { outcomes, started: self.cells.sum(row, OUTCOMES) }
    }

    /// Requests in flight now.
    pub(crate) fn active(&self) -> u64 {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.iter().map(|entry| self.sums(entry.row).active()).sum()
    }

    /// Requests that ended in `outcome`.
    pub(crate) fn ended(&self, outcome: Outcome) -> u64 {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.iter().map(|entry| self.cells.sum(entry.row, outcome as usize)).sum()
    }

    /// Requests that started.
    pub(crate) fn started(&self) -> u64 {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.iter().map(|entry| self.cells.sum(entry.row, OUTCOMES)).sum()
    }
}

impl Sums {
    fn active(&self) -> u64 {
        self.started.wrapping_sub(self.outcomes.iter().sum())
    }
}

impl Collect for Flow {
    fn collect(&self, visitor: &mut dyn Visitor) {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let sums: Vec<_> = entries.iter().map(|entry| self.sums(entry.row)).collect();
        // The overflow entry is always there, and worth a line only when in use.
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
            .map(|entry| self.cells.sum(entry.row, OUTCOMES))
            .sum();
        Some((STARTED, sum))
    }
}

fn desc(name: &str, help: &str, kind: Kind) -> Desc {
    Desc { name: name.to_owned(), help: help.to_owned(), kind }
}
