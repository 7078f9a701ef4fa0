//! Whether a canary burns its error budget faster than the fleet beside it.
//!
//! A rollout is held at one instance of the new version, both sides are counted
//! over the same time, and the gate compares them. It sends a canary back when two
//! things hold:
//!
//! 1. Its burn rate is above 1 and above the fleet's: it would not keep its
//!    objective, and the others do better.
//! 2. That is no chance. With a fleet, by Fisher's exact test: had both versions the
//!    same share of bad events, the probability that so many of them fall to the
//!    canary. Without one, by the binomial distribution: the probability that a
//!    version exactly at its objective has so many. It must be below the
//!    significance, divided by the number of [comparisons](CanaryGate::comparisons)
//!    (Bonferroni), so that looking often and at many SLOs does not find bad luck.
//!
//! A fleet that fails as much as the canary is somebody else's incident: going back
//! would not end it. And a canary that nobody has called has proved nothing: a
//! verdict needs [so many events](CanaryGate::needed) that one which burns at the rate
//! that pages would have been sent back with a probability of 95 %.
//!
//! ```
//! use sre_kit_slo::canary::{EventCounts, CanaryGate, CanaryVerdict};
//!
//! let gate = CanaryGate::new().comparisons(60);
//! let objective = "99.5".parse()?;
//! let fleet = EventCounts::new(20_000, 40);
//!
//! let judged = gate.judge(objective, EventCounts::new(2_000, 5), Some(fleet));
//! assert!(matches!(judged, CanaryVerdict::AsGood(_)), "0.25 % and 0.2 %");
//!
//! let judged = gate.judge(objective, EventCounts::new(2_000, 60), Some(fleet));
//! let CanaryVerdict::Worse(evidence) = judged else { panic!("3 % and 0.2 %") };
//! assert!(evidence.canary_burn() > 5.9 && evidence.p_value() < 1e-9);
//!
//! let judged = gate.judge(objective, EventCounts::new(12, 0), Some(fleet));
//! assert!(matches!(judged, CanaryVerdict::TooFew { .. }));
//! # Ok::<(), sre_kit_slo::ConfigError>(())
//! ```
//!
//! Sources: R. A. Fisher, *The Design of Experiments*, 1935, chapter 2, for the test;
//! *The Site Reliability Workbook*, chapters 5 (burn rates) and 16 (canaries).

use std::fmt;

use super::Objective;
use super::definition::at_least;
use sre_kit_core::ConfigError;

/// The burn rate that pages: 2 % of a 30-day budget in an hour.
const PAGING: f64 = 14.4;

/// The probability with which a canary that burns at [`PAGING`] is found.
const POWER: f64 = 0.95;

/// Events of one side, counted over the same time as the other's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventCounts {
    events: u64,
    bad: u64,
}

impl EventCounts {
    /// So many events, of which so many were bad. More bad ones than events, which
    /// two counters that are read one after the other can show, are all of them.
    pub fn new(events: u64, bad: u64) -> Self {
        Self { events, bad: bad.min(events) }
    }

    /// All valid events.
    pub fn events(self) -> u64 {
        self.events
    }

    /// The bad ones among them.
    pub fn bad(self) -> u64 {
        self.bad
    }

    /// The share of bad events over the budget. Without events it is 0.
    pub fn burn(self, objective: Objective) -> f64 {
        if self.events == 0 {
            return 0.0;
        }
        self.bad as f64 / self.events as f64 / objective.error_budget().as_f64()
    }
}

/// The rule: how sure it has to be, and how often it looks.
#[derive(Clone, Copy, Debug, PartialEq)]
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
    /// One comparison, which sends a canary that is as good as the fleet back in at
    /// most one of a hundred rollouts.
    pub fn new() -> Self {
        Self::default()
    }

    /// The share of rollouts of an equally good version that may be sent back.
    ///
    /// # Errors
    ///
    /// When it is not between 0 and 0.5.
    pub fn significance(mut self, share: f64) -> Result<Self, ConfigError> {
        if !(share > 0.0 && share < 0.5) {
            return Err(ConfigError::new(
                "gate.significance",
                share,
                "it is not between 0 and 0.5",
                "take 0.01 for one wrong rollback in a hundred rollouts",
            ));
        }
        self.significance = share;
        Ok(self)
    }

    /// How many verdicts the whole rollout will take: looks times SLOs.
    #[must_use]
    pub fn comparisons(mut self, number: u32) -> Self {
        self.comparisons = number.max(1);
        self
    }

    /// Judges a canary for one SLO; without a fleet, by the objective alone.
    pub fn judge(
        &self,
        objective: Objective,
        canary: EventCounts,
        fleet: Option<EventCounts>,
    ) -> CanaryVerdict {
        // A fleet that served nothing is none.
        let fleet = fleet.filter(|fleet| fleet.events > 0);
        let canary_burn = canary.burn(objective);
        let fleet_burn = fleet.map(|fleet| fleet.burn(objective));
        // Both tails are summed from above their means, where they are exact.
        let chance = if canary_burn <= fleet_burn.unwrap_or(1.0).max(1.0) {
            1.0
        } else if let Some(fleet) = fleet {
            as_many_by_chance(canary, fleet)
        } else {
            let budget = objective.error_budget().as_f64();
            at_least(canary.bad, canary.events as f64, budget)
        };
        let evidence = Evidence { canary_burn, fleet_burn, chance };
        if chance < self.level() {
            return CanaryVerdict::Worse(evidence);
        }
        let needed = self.needed(objective);
        if canary.events < needed {
            return CanaryVerdict::TooFew { events: canary.events, needed };
        }
        CanaryVerdict::AsGood(evidence)
    }

    /// The events after which a canary that burns at 14.4, beside a large fleet at
    /// its objective, has been sent back with a probability of 95 %.
    pub fn needed(&self, objective: Objective) -> u64 {
        let budget = objective.error_budget().as_f64();
        // Where 14.4 budgets are more than everything, halfway from one budget to it.
        let burning = (PAGING * budget).min(f64::midpoint(budget, 1.0));
        let mut events = 1;
        for bad in 1..=1_000 {
            events = first(bad, |events| at_least(bad, events as f64, burning) >= POWER);
            if at_least(bad, events as f64, budget) < self.level() {
                break;
            }
        }
        events
    }

    fn level(&self) -> f64 {
        self.significance / f64::from(self.comparisons)
    }
}

/// What the counts of one SLO say.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum CanaryVerdict {
    /// It burns faster than the fleet, and not by chance: roll back.
    Worse(Evidence),
    /// Nothing says that it is worse, and enough events would have: go on.
    AsGood(Evidence),
    /// Too few events to tell.
    TooFew {
        /// The canary's.
        events: u64,
        /// How many there have to be.
        needed: u64,
    },
}

/// The numbers behind a verdict.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    canary_burn: f64,
    fleet_burn: Option<f64>,
    chance: f64,
}

impl Evidence {
    /// The canary's burn rate; at 1 the budget is used up exactly at the period's end.
    pub fn canary_burn(&self) -> f64 {
        self.canary_burn
    }

    /// The fleet's, if there is one.
    pub fn fleet_burn(&self) -> Option<f64> {
        self.fleet_burn
    }

    /// The probability of so many bad events if the canary is no worse; 1 where its
    /// burn rate alone says so.
    pub fn p_value(&self) -> f64 {
        self.chance
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "burn rate {:.2}", self.canary_burn)?;
        match self.fleet_burn {
            Some(fleet) => write!(f, ", the fleet's {fleet:.2}")?,
            None => f.write_str(", and no fleet beside it")?,
        }
        if self.chance < 1.0 {
            write!(f, ", by chance with a probability of {:.1e}", self.chance)?;
        }
        Ok(())
    }
}

impl fmt::Display for CanaryVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Worse(evidence) => write!(f, "worse: {evidence}"),
            Self::AsGood(evidence) => write!(f, "as good: {evidence}"),
            Self::TooFew { events, needed } => {
                write!(f, "too few events to tell: {events} of {needed}")
            }
        }
    }
}

/// The smallest number from `from` on for which `holds`, which then holds for all above.
fn first(from: u64, holds: impl Fn(u64) -> bool) -> u64 {
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

/// The probability that at least the canary's share of all bad events falls to it if
/// every event of both sides is as likely to be bad: the upper tail of the
/// hypergeometric distribution.
///
/// Its terms are taken relative to the largest, from neighbour to neighbour, so that
/// no factorial is ever computed. What underflows is below 1e-300 of the whole.
fn as_many_by_chance(canary: EventCounts, fleet: EventCounts) -> f64 {
    let (n, others) = (canary.events as f64, fleet.events as f64);
    let bad = canary.bad as f64 + fleet.bad as f64;
    let up = |x: f64| (bad - x) * (n - x) / ((x + 1.0) * (others - bad + x + 1.0));
    let mode = ((n + 1.0) * (bad + 1.0) / (n + others + 2.0)).floor();
    let from = canary.bad as f64;
    let (mut all, mut tail) = (0.0, 0.0);
    let (mut x, mut term) = (mode, 1.0);
    while term > all * 1e-17 || (x <= from && term > 0.0) {
        all += term;
        if x >= from {
            tail += term;
        }
        term *= up(x);
        x += 1.0;
    }
    let (mut x, mut term) = (mode, 1.0);
    while x > 0.0 {
        x -= 1.0;
        term /= up(x);
        if !term.is_finite() || term <= all * 1e-17 {
            break;
        }
        all += term;
        if x >= from {
            tail += term;
        }
    }
    tail / all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{CanaryGate, CanaryVerdict, EventCounts, as_many_by_chance};
    use crate::Objective;

    fn objective(percent: &str) -> Objective {
        percent.parse().expect("valid")
    }

    fn counts(events: u64, bad: u64) -> EventCounts {
        EventCounts::new(events, bad)
    }

    /// By counting: the canary's bad events among all ways to spread them.
    fn by_counting(canary: EventCounts, fleet: EventCounts) -> f64 {
        let choose = |n: u64, k: u64| {
            if k > n {
                return 0.0;
            }
            (0..k).fold(1.0, |product, i| product * (n - i) as f64 / (i + 1) as f64)
        };
        let (n, others) = (canary.events, fleet.events);
        let bad = canary.bad + fleet.bad;
        let ways = |k: u64| choose(n, k) * choose(others, bad - k);
        let all: f64 = (0..=bad).map(ways).sum();
        (canary.bad..=bad).map(ways).sum::<f64>() / all
    }

    #[test]
    fn fisher_tells_the_lady_who_tastes_tea() {
        // Three of four right, by one of 17/70 ways; all four, by 1/70.
        let three = as_many_by_chance(counts(4, 3), counts(4, 1));
        assert!((three - 17.0 / 70.0).abs() < 1e-12, "{three}");
        let four = as_many_by_chance(counts(4, 4), counts(4, 0));
        assert!((four - 1.0 / 70.0).abs() < 1e-12, "{four}");
    }

    #[test]
    fn a_worse_canary_is_found_and_an_equal_one_is_not() {
        let gate = CanaryGate::new();
        let fleet = Some(counts(10_000, 20));
        let judge = |bad| gate.judge(objective("99.5"), counts(1_000, bad), fleet);
        assert!(matches!(judge(0), CanaryVerdict::AsGood(_)));
        assert!(matches!(judge(5), CanaryVerdict::AsGood(_)), "a burn of 1 keeps the objective");
        assert!(matches!(judge(30), CanaryVerdict::Worse(_)));
    }

    #[test]
    fn an_incident_of_the_whole_fleet_is_not_the_canarys_fault() {
        let gate = CanaryGate::new();
        let all_fail = gate.judge(objective("99.5"), counts(500, 250), Some(counts(5_000, 2_500)));
        assert!(matches!(all_fail, CanaryVerdict::AsGood(_)), "{all_fail}");
    }

    #[test]
    fn within_the_budget_no_difference_sends_back() {
        // Twenty times the fleet's share, and a fifth of the budget.
        let judged =
            CanaryGate::new().judge(objective("99"), counts(10_000, 20), Some(counts(100_000, 10)));
        assert!(matches!(judged, CanaryVerdict::AsGood(_)), "{judged}");
    }

    #[test]
    fn few_events_prove_nothing_good_but_can_prove_something_bad() {
        let gate = CanaryGate::new();
        let fleet = Some(counts(10_000, 10));
        let judge = |canary| gate.judge(objective("99.5"), canary, fleet);
        assert!(matches!(judge(counts(0, 0)), CanaryVerdict::TooFew { events: 0, .. }));
        assert!(matches!(judge(counts(10, 0)), CanaryVerdict::TooFew { events: 10, .. }));
        assert!(matches!(judge(counts(10, 10)), CanaryVerdict::Worse(_)), "each of ten failed");
    }

    #[test]
    fn without_a_fleet_the_objective_is_what_it_is_compared_with() {
        let gate = CanaryGate::new();
        let judge = |bad, fleet| gate.judge(objective("99.5"), counts(1_000, bad), fleet);
        assert!(matches!(judge(5, None), CanaryVerdict::AsGood(_)));
        assert!(matches!(judge(20, None), CanaryVerdict::Worse(_)));
        assert_eq!(judge(20, None), judge(20, Some(counts(0, 0))), "an idle fleet is none");
    }

    #[test]
    fn a_verdict_waits_for_as_many_events_as_would_have_shown_a_page() {
        let gate = CanaryGate::new().comparisons(60);
        for percent in ["90", "95", "99", "99.5", "99.9", "99.99"] {
            let objective = objective(percent);
            let needed = gate.needed(objective);
            // What is expected of a canary that burns at 14.4.
            let budget = objective.error_budget().as_f64();
            let bad = (needed as f64 * (14.4 * budget).min(f64::midpoint(budget, 1.0))).round();
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let canary = counts(needed, bad as u64);
            let judged = gate.judge(objective, canary, None);
            assert!(
                matches!(judged, CanaryVerdict::Worse(_)),
                "{percent}: {needed} events, {judged}"
            );
        }
        let (less, more) = (gate.needed(objective("99")), gate.needed(objective("99.9")));
        assert!((8.0..12.0).contains(&(more as f64 / less as f64)), "{less} and {more}");
    }

    #[test]
    fn looking_more_often_needs_more_proof() {
        let canary = counts(1_000, 13);
        let judge =
            |gate: CanaryGate| gate.judge(objective("99.5"), canary, Some(counts(10_000, 50)));
        assert!(matches!(judge(CanaryGate::new()), CanaryVerdict::Worse(_)));
        assert!(matches!(judge(CanaryGate::new().comparisons(1_000)), CanaryVerdict::AsGood(_)));
    }

    #[test]
    fn a_significance_that_means_nothing_is_told() {
        for share in [0.0, 0.5, -1.0, f64::NAN] {
            let error = CanaryGate::new().significance(share).expect_err("refused").to_string();
            assert!(error.contains("gate.significance"), "{error}");
        }
    }

    /// Equal versions, drawn by one coin: no more of them are sent back than promised.
    #[test]
    fn an_equal_version_is_seldom_sent_back() {
        let gate = CanaryGate::new().significance(0.05).expect("valid");
        let mut random = fastrand::Rng::with_seed(1);
        let mut draw = |events: u64| {
            let bad = (0..events).filter(|_| random.f64() < 0.02).count();
            counts(events, bad as u64)
        };
        let sent_back = (0..1_000)
            .filter(|_| {
                let (canary, fleet) = (draw(300), draw(1_500));
                matches!(gate.judge(objective("99"), canary, Some(fleet)), CanaryVerdict::Worse(_))
            })
            .count();
        // 50 are allowed; four standard deviations of a thousand draws are 28.
        assert!(sent_back < 78, "{sent_back} of 1000");
    }

    proptest! {
        #[test]
        fn the_tail_is_the_counted_one(n in 1_u64..60, a in 0_u64..60, m in 1_u64..60, b in 0_u64..60) {
            let (canary, fleet) = (counts(n, a), counts(m, b));
            let (found, expected) = (as_many_by_chance(canary, fleet), by_counting(canary, fleet));
            prop_assert!((found - expected).abs() < 1e-9, "{canary:?} {fleet:?}: {found}, {expected}");
        }

        #[test]
        fn every_count_has_a_verdict_and_one_more_failure_is_no_better(
            n in 0_u64..5_000_000, a in 0_u64..1_000, m in 0_u64..5_000_000, b in 0_u64..1_000,
        ) {
            let gate = CanaryGate::new();
            let judge = |bad| gate.judge(objective("99.9"), counts(n, bad), Some(counts(m, b)));
            if matches!(judge(a), CanaryVerdict::Worse(_)) && a < n {
                prop_assert!(matches!(judge(a + 1), CanaryVerdict::Worse(_)));
            }
        }
    }
}
