//! The counts of one window.

use std::time::Duration;

use sre_kit_slo::{Decimal, Objective, Window};

/// The good and bad events of one window, as of the last tick.
///
/// The counts are the exact difference of two snapshots: the newest, which is at most two seconds
/// old, and the last one that is at least as old as the window. [`span`](Self::span) is the time
/// between the two. It is at most 0.7 % longer than a standard window, and longer by the length
/// of the gap if ticks were missed where the window begins.
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
    /// Returns the window that was requested.
    pub fn window(&self) -> Window {
        self.window
    }

    /// Returns the number of good events.
    pub fn good(&self) -> u64 {
        self.good
    }

    /// Returns the number of bad events.
    pub fn bad(&self) -> u64 {
        self.bad
    }

    /// Returns the number of valid events, good and bad.
    pub fn valid(&self) -> u64 {
        self.good + self.bad
    }

    /// Returns the time in which the events were counted.
    pub fn span(&self) -> Duration {
        self.span
    }

    /// Returns the share of the window that was observed, from 0 to 1. It is below 1 while the
    /// process, or the checkpoint that it restored, is younger than the window.
    pub fn coverage(&self) -> f64 {
        self.coverage
    }

    /// Returns the share of bad events, from 0 to 1, or 0 if there were no events.
    pub fn error_ratio(&self) -> f64 {
        match self.valid() {
            0 => 0.0,
            valid => self.bad as f64 / valid as f64,
        }
    }

    /// Returns the burn rate, which is the error ratio divided by the error budget: 1 uses up the
    /// budget exactly at the end of the period. Returns 0 if there were no events.
    pub fn burn_rate(&self) -> f64 {
        self.error_ratio() / self.objective.error_budget().as_f64()
    }

    /// Returns whether the error ratio is above `threshold`, compared in integers.
    pub(crate) fn exceeds(&self, threshold: Decimal) -> bool {
        threshold.is_exceeded_by(self.bad, self.valid())
    }
}
