//! The time steps of scenarios.

use std::time::Duration;

use super::super::plan::{Plan, PlannedTier};
use super::super::promql::duration;
use super::numbers::{steps_of, times};

/// The largest number of steps in a period. promtool reads at most 10 000 samples in an expression.
const MOST_STEPS: u32 = 2_000;

/// The time steps of the scenarios of one SLO.
pub(super) struct Steps {
    /// The step for windows of minutes.
    pub(super) fine: Duration,
    /// The step for windows of hours.
    pub(super) base: Duration,
    /// The step for windows of days.
    pub(super) coarse: Duration,
    /// The step for the period. It is not shorter than the window of the recorded rates.
    pub(super) period: Duration,
    /// The step between two samples where the recorded five-minute rates matter.
    pub(super) sample: Duration,
    /// The shortest window of a tier.
    shortest: Duration,
}

impl Steps {
    pub(super) fn new(plan: &Plan<'_>) -> Self {
        let fine = plan.base / 5;
        let long = plan.tiers.iter().filter(|tier| tier.long > fine * 600);
        let shortest = long.map(|tier| tier.short / 4).min();
        let wanted = shortest.map_or(plan.period / 1_440, |s| s.min(plan.period / 1_440));
        // A divisor of an hour if possible, so that it divides the windows as well.
        let fits = |n: &u32| plan.base * *n <= wanted;
        let hourly = [12, 6, 4, 3, 2, 1].into_iter().find(fits);
        let coarse = plan.base * hourly.unwrap_or(1);
        let bases = steps_of(plan.period / MOST_STEPS, plan.base) + 1;
        Self {
            fine,
            base: plan.base,
            coarse,
            period: coarse.max(times(plan.base, bases)),
            sample: millis(plan.base / 2),
            shortest: plan.windows().first().copied().unwrap_or(plan.base),
        }
    }

    /// Returns the step between two samples of scenarios that are the same at every step, and the
    /// number of these steps in a fine one. The shortest window has at least two of them.
    pub(super) fn constant(&self) -> (Duration, u64) {
        let divides = |n: &u64| self.fine.as_millis().is_multiple_of(u128::from(*n));
        let n = (1..=60).filter(divides).find(|n| self.fine * 2 <= times(self.shortest, *n));
        n.map_or((self.fine, 1), |n| (self.fine / u32::try_from(n).unwrap_or(1), n))
    }

    /// Returns a fraction of `fine`, so that an evaluation sees the last sample: a sixth, or the next
    /// larger fraction in whole milliseconds.
    pub(super) fn finest(&self) -> Duration {
        let divides = |n: &u32| self.fine.as_millis().is_multiple_of(u128::from(*n));
        (2..=6).rev().find(divides).map_or(self.fine, |n| self.fine / n)
    }

    /// Returns the step for the scenarios of one tier, and the suffix of their file.
    pub(super) fn of_tier(&self, tier: &PlannedTier<'_>) -> (Duration, String) {
        let fits = |step: &Duration| {
            let divides = |window: Duration| window.as_millis().is_multiple_of(step.as_millis());
            // Prometheus 3 sees a step less of a window and extrapolates the increase by as much, which
            // must not make one bad event less than the minimum the minimum.
            let counts = tier.min_bad_events.is_none_or(|k| steps_of(tier.long, *step) > 2 * k);
            (counts || *step == self.fine)
                && divides(tier.long)
                && divides(tier.short)
                && tier.short >= *step * 4
                && tier.long <= *step * 600
        };
        // The longest step has the fewest evaluations.
        match [self.coarse, self.base, self.fine].into_iter().find(fits) {
            Some(step) => (step, self.suffix(step)),
            None => (millis(tier.short / 5), format!(".{}", tier.name)),
        }
    }

    /// Returns the suffix of the file whose evaluation interval is `step`.
    pub(super) fn suffix(&self, step: Duration) -> String {
        if step == self.fine {
            String::new()
        } else if step == self.period {
            ".period".to_owned()
        } else {
            format!(".{}", duration(step))
        }
    }
}

/// Rounds down to whole milliseconds, but not below one. promtool has no finer resolution.
fn millis(length: Duration) -> Duration {
    Duration::from_millis(u64::try_from(length.as_millis()).unwrap_or(u64::MAX).max(1))
}
