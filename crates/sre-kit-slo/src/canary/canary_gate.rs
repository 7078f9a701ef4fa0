//! The gate: significance level, number of comparisons, minimum of events.

use super::canary_verdict::CanaryVerdict;
use super::event_counts::EventCounts;
use super::evidence::Evidence;
use crate::Objective;
use crate::statistics::{binomial, hypergeometric};
use sre_kit_core::ConfigError;

/// The burn rate of the tier `fast`: 2 % of a 30-day budget in an hour.
const PAGING_BURN_RATE: f64 = 14.4;

/// The probability with which a canary that burns at [`PAGING_BURN_RATE`] is detected.
const POWER: f64 = 0.95;

/// A significance test for canaries. See the [module documentation](super).
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "a gate does nothing before `evaluate`"]
pub struct CanaryGate {
    significance: f64,
    comparisons: u32,
}

impl Default for CanaryGate {
    fn default() -> Self {
        Self { significance: 0.01, comparisons: 1 }
    }
}

impl CanaryGate {
    /// Creates a gate with a significance level of 0.01 for one comparison: it sends a canary that
    /// is as good as the fleet back in at most one of a hundred rollouts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the significance level: the share of rollouts of an equally good version that may be
    /// sent back. Defaults to 0.01.
    ///
    /// # Errors
    ///
    /// Returns an error if `level` is not between 0 and 0.5, both excluded.
    pub fn significance(mut self, level: f64) -> Result<Self, ConfigError> {
        if !(level > 0.0 && level < 0.5) {
            return Err(ConfigError::new(
                "gate.significance",
                level,
                "it is not between 0 and 0.5",
                "take 0.01 for one wrong rollback in a hundred rollouts",
            ));
        }
        self.significance = level;
        Ok(self)
    }

    /// Sets the number of verdicts that the whole rollout takes, which is the number of evaluations
    /// times the number of SLOs. Defaults to 1, which is also the minimum.
    ///
    /// The significance level is divided by it (Bonferroni correction), so that many evaluations do
    /// not find a difference by chance.
    pub fn comparisons(mut self, number: u32) -> Self {
        self.comparisons = number.max(1);
        self
    }

    /// Compares a canary with its fleet for one SLO. Without a fleet, or with a fleet that served no
    /// events, it compares the canary with the objective.
    pub fn evaluate(
        &self,
        objective: Objective,
        canary: EventCounts,
        fleet: Option<EventCounts>,
    ) -> CanaryVerdict {
        let fleet = fleet.filter(|fleet| fleet.events() > 0);
        let canary_burn_rate = canary.burn_rate(objective);
        let fleet_burn_rate = fleet.map(|fleet| fleet.burn_rate(objective));
        // Both tails are computed above their means only, where their sums are exact.
        let p_value = if canary_burn_rate <= fleet_burn_rate.unwrap_or(1.0).max(1.0) {
            1.0
        } else if let Some(fleet) = fleet {
            fisher_p_value(canary, fleet)
        } else {
            let budget = objective.error_budget().as_f64();
            binomial::upper_tail(canary.bad(), canary.events() as f64, budget)
        };
        let evidence = Evidence { canary_burn_rate, fleet_burn_rate, p_value };
        if p_value < self.corrected_significance() {
            return CanaryVerdict::Worse(evidence);
        }
        let needed = self.min_events(objective);
        if canary.events() < needed {
            return CanaryVerdict::TooFew { events: canary.events(), needed };
        }
        CanaryVerdict::AsGood(evidence)
    }

    /// Returns the number of events of the canary from which on the verdict can be
    /// [`AsGood`](CanaryVerdict::AsGood).
    ///
    /// With this many events, a canary that burns at 14.4 beside a large fleet at its objective is
    /// detected with a probability (statistical power) of 95 %.
    pub fn min_events(&self, objective: Objective) -> u64 {
        let budget = objective.error_budget().as_f64();
        // 14.4 budgets may be more than all events. Then the midpoint of one budget and all events
        // is detected instead.
        let burning = (PAGING_BURN_RATE * budget).min(f64::midpoint(budget, 1.0));
        let mut events = 1;
        for bad in 1..=1_000 {
            let detects = |events| binomial::upper_tail(bad, events as f64, burning) >= POWER;
            events = smallest(bad, detects);
            let false_alarm = binomial::upper_tail(bad, events as f64, budget);
            if false_alarm < self.corrected_significance() {
                break;
            }
        }
        events
    }

    /// Returns the significance level of one comparison (Bonferroni correction).
    fn corrected_significance(&self) -> f64 {
        self.significance / f64::from(self.comparisons)
    }
}

/// Returns the one-sided p-value of Fisher's exact test.
pub(super) fn fisher_p_value(canary: EventCounts, fleet: EventCounts) -> f64 {
    let bad = canary.bad() as f64 + fleet.bad() as f64;
    hypergeometric::upper_tail(canary.bad(), canary.events() as f64, fleet.events() as f64, bad)
}

/// Returns the smallest number, not below `from`, for which `holds`. It must hold for every larger
/// number as well.
fn smallest(from: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut below, mut above) = (from.saturating_sub(1), from);
    while !holds(above) && above < u64::MAX / 2 {
        (below, above) = (above, above * 2);
    }
    while above - below > 1 {
        let middle = u64::midpoint(below, above);
        if holds(middle) { above = middle } else { below = middle }
    }
    above
}
