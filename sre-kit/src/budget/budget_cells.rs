//! The counters of one SLO in one shard.

use sre_kit_metrics::internal::{ShardCells, ShardId, ShardedCells};

/// The counters of one SLO in one shard, for a middleware that knows its [`ShardId`]: an event
/// costs one addition to a cell that is already resolved.
pub(crate) struct BudgetCells {
    pub(super) good: ShardCells,
    pub(super) bad: ShardCells,
    pub(super) excluded: Box<[ShardCells]>,
}

impl BudgetCells {
    #[inline]
    pub(crate) fn good(&self, cells: &ShardedCells, shard: ShardId) {
        self.good.writer(cells, shard).add(0, 1);
    }

    #[inline]
    pub(crate) fn bad(&self, cells: &ShardedCells, shard: ShardId) {
        self.bad.writer(cells, shard).add(0, 1);
    }

    /// Counts an excluded event. `reason` is the index of its reason in
    /// [`Definition::reasons`](sre_kit_slo::Definition::reasons).
    #[inline]
    pub(crate) fn excluded(&self, reason: usize, cells: &ShardedCells, shard: ShardId) {
        if let Some(counter) = self.excluded.get(reason) {
            counter.writer(cells, shard).add(0, 1);
        }
    }
}
