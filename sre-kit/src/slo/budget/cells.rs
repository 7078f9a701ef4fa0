//! Where a middleware counts.

use crate::metrics::internal::{Cells, Column, Place};

/// The counters of one SLO in one column, for a caller that knows its place: an
/// event is one addition to a cell that is at hand.
pub(crate) struct BudgetCells {
    pub(super) good: Column,
    pub(super) bad: Column,
    pub(super) excluded: Box<[Column]>,
}

impl BudgetCells {
    #[inline]
    pub(crate) fn good(&self, cells: &Cells, here: Place) {
        self.good.writer(cells, here).add(0, 1);
    }

    #[inline]
    pub(crate) fn bad(&self, cells: &Cells, here: Place) {
        self.bad.writer(cells, here).add(0, 1);
    }

    /// Counts an event that is left out, by the place of its reason among those
    /// that the definition declares.
    #[inline]
    pub(crate) fn excluded(&self, reason: usize, cells: &Cells, here: Place) {
        if let Some(column) = self.excluded.get(reason) {
            column.writer(cells, here).add(0, 1);
        }
    }
}
