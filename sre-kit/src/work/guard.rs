//! The guard that ends a unit exactly once.

use std::sync::Arc;

use sre_kit_core::internal::Reading;

use super::outcome::WorkOutcome;
use super::shared::Shared;

/// A unit that has started and not ended. Dropping it ends it as canceled.
pub(super) struct UnitGuard {
    shared: Arc<Shared>,
    unit: usize,
    started: Reading,
    ended: bool,
}

impl UnitGuard {
    #[inline]
    pub(super) fn new(shared: Arc<Shared>, unit: usize, started: Reading) -> Self {
        Self { shared, unit, started, ended: false }
    }

    #[inline]
    pub(super) fn end(&mut self, outcome: WorkOutcome) {
        if !std::mem::replace(&mut self.ended, true) {
            self.shared.end(self.unit, self.started, outcome);
        }
    }

    /// Ends the unit with a panic.
    #[cold]
    pub(super) fn panicked(&mut self) {
        self.end(WorkOutcome::Panic);
    }
}

impl Drop for UnitGuard {
    #[inline]
    fn drop(&mut self) {
        self.end(WorkOutcome::Canceled);
    }
}
