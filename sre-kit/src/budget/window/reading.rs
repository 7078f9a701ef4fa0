//! What one window says.

use std::time::Duration;

use crate::slo::{Decimal, Objective};
use sre_kit_slo::Window;

/// What was counted in one window, exactly, and how much of the window it is.
///
/// A reading ends at the last tick, at most two seconds ago, and begins with the
/// last snapshot that is old enough: it covers its window and at most one step
/// more, 0.7 % for the standard windows. [`span`](Self::span) is the time between
/// the two, and the counts are those of just that time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WindowStats {
    pub(super) window: Window,
    pub(super) objective: Objective,
    pub(super) good: u64,
    pub(super) bad: u64,
    pub(super) span: Duration,
    pub(super) coverage: f64,
}

impl WindowStats {
    /// The window that was asked for.
    pub fn window(&self) -> Window {
        self.window
    }

    /// Good events.
    pub fn good(&self) -> u64 {
        self.good
    }

    /// Bad events.
    pub fn bad(&self) -> u64 {
        self.bad
    }

    /// Valid events: good and bad.
    pub fn valid(&self) -> u64 {
        self.good + self.bad
    }

    /// The time in which the events were counted.
    pub fn span(&self) -> Duration {
        self.span
    }

    /// The share of the window that was observed, from 0 to 1. Below 1 while the
    /// process is younger than the window.
    pub fn coverage(&self) -> f64 {
        self.coverage
    }

    /// The share of bad events, 0 while there are none at all.
    pub fn error_ratio(&self) -> f64 {
        match self.valid() {
            0 => 0.0,
            valid => self.bad as f64 / valid as f64,
        }
    }

    /// How many times faster than it may the budget burns: the error ratio over
    /// the error budget. 0 while there are no events: nothing burns.
    pub fn burn_rate(&self) -> f64 {
        self.error_ratio() / self.objective.error_budget().as_f64()
    }

    /// Whether the error ratio is above `threshold`, in integers.
    pub(crate) fn exceeds(&self, threshold: Decimal) -> bool {
        threshold.is_exceeded_by(self.bad, self.valid())
    }
}
