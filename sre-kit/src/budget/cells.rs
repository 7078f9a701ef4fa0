//! Where a middleware counts.

use sre_kit_metrics::internal::{ShardCells, ShardId, ShardedCells};

/// The counters of one SLO in one column, for a caller that knows its place: an
/// event is one addition to a cell that is at hand.
pub(crate) struct BudgetCells {
    pub(super) good: ShardCells,
    pub(super) bad: ShardCells,
    pub(super) excluded: Box<[ShardCells]>,
}

impl BudgetCells {
    #[inline]
    pub(crate) fn good(&self, cells: &ShardedCells, here: ShardId) {
        self.good.writer(cells, here).add(0, 1);
    }

    #[inline]
    pub(crate) fn bad(&self, cells: &ShardedCells, here: ShardId) {
        self.bad.writer(cells, here).add(0, 1);
    }

    /// Counts an event that is left out, by the place of its reason among those
    /// that the definition declares.
    #[inline]
    pub(crate) fn excluded(&self, reason: usize, cells: &ShardedCells, here: ShardId) {
        if let Some(column) = self.excluded.get(reason) {
            column.writer(cells, here).add(0, 1);
        }
    }
}
