//! The shared state of the units of work.

use std::sync::Arc;
use std::time::Duration;

use sre_kit_core::internal::{Clock, Reading};
use sre_kit_metrics::internal::{CellOffset, ShardedCells, observe};

use super::outcome::WorkOutcome;
use crate::budget::EventCounter;
use crate::counts::Counts;
use crate::metrics::Buckets;

/// What runs when a unit has ended.
pub(crate) type OnEnd = Box<dyn Fn() + Send + Sync>;

/// The series of one unit.
pub(super) struct UnitSeries {
    pub(super) name: Box<str>,
    pub(super) row: CellOffset,
    /// By outcome.
    pub(super) durations: [CellOffset; WorkOutcome::ALL.len()],
    /// By outcome, if the unit processes a message.
    pub(super) messages: Option<[CellOffset; WorkOutcome::ALL.len()]>,
    pub(super) wait: CellOffset,
    pub(super) on_end: Option<OnEnd>,
    pub(super) slos: Box<[EventCounter]>,
}

/// The shared state of the units of work.
pub(super) struct Shared {
    pub(super) cells: Arc<ShardedCells>,
    pub(super) counts: Arc<Counts>,
    pub(super) buckets: Buckets,
    pub(super) clock: Clock,
    pub(super) units: Box<[UnitSeries]>,
}

impl Shared {
    /// Records the start of a unit, which has waited in a queue for `waited`.
    #[inline]
    pub(super) fn start(&self, unit: usize, waited: Option<Duration>) -> Reading {
        let series = &self.units[unit];
        let shard = self.cells.current_shard();
        self.counts.start(self.cells.writer(series.row, shard));
        if let Some(waited) = waited {
            let nanos = u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX);
            observe(self.cells.writer(series.wait, shard), 0, &self.buckets, nanos);
        }
        self.clock.read()
    }

    /// Records the end of a unit.
    #[inline(never)]
    pub(super) fn end(&self, unit: usize, started: Reading, outcome: WorkOutcome) {
        let series = &self.units[unit];
        let nanos = self.clock.nanos_since(started);
        let shard = self.cells.current_shard();
        let record = |cells| observe(self.cells.writer(cells, shard), 0, &self.buckets, nanos);
        record(series.durations[outcome as usize]);
        if let Some(messages) = &series.messages {
            record(messages[outcome as usize]);
        }
        for slo in &series.slos {
            slo.count(outcome as usize, nanos, None);
        }
        if let Some(on_end) = &series.on_end {
            on_end();
        }
        // The outcome comes last: a scrape that sees it also sees the rest of the unit.
        Counts::end(self.cells.writer(series.row, shard), outcome as usize);
    }
}
