//! The time steps of scenarios.

use std::time::Duration;

use super::super::plan::{Plan, PlannedTier};

/// The time steps of the scenarios of one SLO.
pub(super) struct Steps {
    /// The step for windows of minutes and hours.
    pub(super) fine: Duration,
    /// The step for windows of days and for the period.
    pub(super) coarse: Duration,
    /// The step between two samples where the recorded five-minute rates matter.
    pub(super) sample: Duration,
}

impl Steps {
    pub(super) fn new(plan: &Plan<'_>) -> Self {
        let fine = plan.base / 5;
        let long = plan.tiers.iter().filter(|tier| tier.long > fine * 600);
        let shortest = long.map(|tier| tier.short / 4).min();
        let wanted = shortest.map_or(plan.period / 1_440, |s| s.min(plan.period / 1_440));
        // A divisor of an hour if possible, so that it divides the windows as well.
        let fits = |n: &u32| plan.base * *n <= wanted;
        let coarse = [12, 6, 4, 3, 2, 1].into_iter().find(fits).map(|n| plan.base * n);
        let coarse = coarse.unwrap_or_else(|| millis(wanted.max(fine)));
        Self { fine, coarse, sample: millis(plan.base / 2) }
    }

    /// Returns a fraction of `fine`, so that an evaluation sees the last sample: a sixth, or the next
    /// larger fraction in whole milliseconds.
    pub(super) fn finest(&self) -> Duration {
        let divides = |n: &u32| self.fine.as_millis().is_multiple_of(u128::from(*n));
        (2..=6).rev().find(divides).map_or(self.fine, |n| self.fine / n)
    }

    /// Returns the step for the scenarios of one tier, and the suffix of their file.
    pub(super) fn of_tier(&self, tier: &PlannedTier<'_>) -> (Duration, String) {
        let fits = |step: Duration| {
            let divides = |window: Duration| window.as_millis().is_multiple_of(step.as_millis());
            divides(tier.long)
                && divides(tier.short)
                && tier.short >= step * 4
                && tier.long <= step * 600
        };
        if fits(self.fine) {
            (self.fine, String::new())
        } else if fits(self.coarse) {
            (self.coarse, ".period".to_owned())
        } else {
            (millis(tier.short / 5), format!(".{}", tier.name))
        }
    }
}

/// Rounds down to whole milliseconds, but not below one. promtool has no finer resolution.
fn millis(length: Duration) -> Duration {
    Duration::from_millis(u64::try_from(length.as_millis()).unwrap_or(u64::MAX).max(1))
}
