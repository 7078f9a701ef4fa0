//! The gate against counting by hand, and against draws of equal versions.

use proptest::prelude::*;

use super::canary_gate::fisher_p_value;
use super::{CanaryGate, CanaryVerdict, EventCounts};
use crate::Objective;

fn objective(percent: &str) -> Objective {
    percent.parse().expect("valid")
}

fn counts(events: u64, bad: u64) -> EventCounts {
    EventCounts::new(events, bad)
}

/// Computes the p-value by counting all ways to spread the bad events.
fn by_counting(canary: EventCounts, fleet: EventCounts) -> f64 {
    let choose = |n: u64, k: u64| {
        if k > n {
            return 0.0;
        }
        (0..k).fold(1.0, |product, i| product * (n - i) as f64 / (i + 1) as f64)
    };
    let (n, others) = (canary.events(), fleet.events());
    let bad = canary.bad() + fleet.bad();
    let ways = |k: u64| choose(n, k) * choose(others, bad - k);
    let all: f64 = (0..=bad).map(ways).sum();
    (canary.bad()..=bad).map(ways).sum::<f64>() / all
}

#[test]
fn fishers_exact_test_of_the_lady_tasting_tea() {
    // Three of four right, by one of 17/70 ways; all four, by 1/70.
    let three = fisher_p_value(counts(4, 3), counts(4, 1));
    assert!((three - 17.0 / 70.0).abs() < 1e-12, "{three}");
    let four = fisher_p_value(counts(4, 4), counts(4, 0));
    assert!((four - 1.0 / 70.0).abs() < 1e-12, "{four}");
}

#[test]
fn a_worse_canary_is_found_and_an_equal_one_is_not() {
    let gate = CanaryGate::new();
    let fleet = Some(counts(10_000, 20));
    let evaluate = |bad| gate.evaluate(objective("99.5"), counts(1_000, bad), fleet);
    assert!(matches!(evaluate(0), CanaryVerdict::AsGood(_)));
    assert!(matches!(evaluate(5), CanaryVerdict::AsGood(_)), "a burn of 1 keeps the objective");
    assert!(matches!(evaluate(30), CanaryVerdict::Worse(_)));
}

#[test]
fn an_incident_of_the_whole_fleet_is_not_the_canarys_fault() {
    let gate = CanaryGate::new();
    let all_fail = gate.evaluate(objective("99.5"), counts(500, 250), Some(counts(5_000, 2_500)));
    assert!(matches!(all_fail, CanaryVerdict::AsGood(_)), "{all_fail}");
}

#[test]
fn within_the_budget_no_difference_sends_back() {
    // Twenty times the fleet's share, and a fifth of the budget.
    let verdict =
        CanaryGate::new().evaluate(objective("99"), counts(10_000, 20), Some(counts(100_000, 10)));
    assert!(matches!(verdict, CanaryVerdict::AsGood(_)), "{verdict}");
}

#[test]
fn few_events_prove_nothing_good_but_can_prove_something_bad() {
    let gate = CanaryGate::new();
    let fleet = Some(counts(10_000, 10));
    let evaluate = |canary| gate.evaluate(objective("99.5"), canary, fleet);
    assert!(matches!(evaluate(counts(0, 0)), CanaryVerdict::TooFew { events: 0, .. }));
    assert!(matches!(evaluate(counts(10, 0)), CanaryVerdict::TooFew { events: 10, .. }));
    assert!(matches!(evaluate(counts(10, 10)), CanaryVerdict::Worse(_)), "each of ten failed");
}

#[test]
fn without_a_fleet_the_objective_is_what_it_is_compared_with() {
    let gate = CanaryGate::new();
    let evaluate = |bad, fleet| gate.evaluate(objective("99.5"), counts(1_000, bad), fleet);
    assert!(matches!(evaluate(5, None), CanaryVerdict::AsGood(_)));
    assert!(matches!(evaluate(20, None), CanaryVerdict::Worse(_)));
    assert_eq!(evaluate(20, None), evaluate(20, Some(counts(0, 0))), "an idle fleet is none");
}

#[test]
fn a_verdict_waits_for_as_many_events_as_would_have_shown_a_page() {
    let gate = CanaryGate::new().comparisons(60);
    for percent in ["90", "95", "99", "99.5", "99.9", "99.99"] {
        let objective = objective(percent);
        let needed = gate.min_events(objective);
        // What is expected of a canary that burns at 14.4.
        let budget = objective.error_budget().as_f64();
        let bad = (needed as f64 * (14.4 * budget).min(f64::midpoint(budget, 1.0))).round();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let canary = counts(needed, bad as u64);
        let verdict = gate.evaluate(objective, canary, None);
        assert!(
            matches!(verdict, CanaryVerdict::Worse(_)),
            "{percent}: {needed} events, {verdict}"
        );
    }
    let (less, more) = (gate.min_events(objective("99")), gate.min_events(objective("99.9")));
    assert!((8.0..12.0).contains(&(more as f64 / less as f64)), "{less} and {more}");
}

#[test]
fn looking_more_often_needs_more_proof() {
    let canary = counts(1_000, 13);
    let evaluate =
        |gate: CanaryGate| gate.evaluate(objective("99.5"), canary, Some(counts(10_000, 50)));
    assert!(matches!(evaluate(CanaryGate::new()), CanaryVerdict::Worse(_)));
    assert!(matches!(evaluate(CanaryGate::new().comparisons(1_000)), CanaryVerdict::AsGood(_)));
}

#[test]
fn a_significance_that_means_nothing_is_rejected() {
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
            matches!(gate.evaluate(objective("99"), canary, Some(fleet)), CanaryVerdict::Worse(_))
        })
        .count();
    // 50 are allowed; four standard deviations of a thousand draws are 28.
    assert!(sent_back < 78, "{sent_back} of 1000");
}

proptest! {
    #[test]
    fn the_tail_is_the_counted_one(n in 1_u64..60, a in 0_u64..60, m in 1_u64..60, b in 0_u64..60) {
        let (canary, fleet) = (counts(n, a), counts(m, b));
        let (found, expected) = (fisher_p_value(canary, fleet), by_counting(canary, fleet));
        prop_assert!((found - expected).abs() < 1e-9, "{canary:?} {fleet:?}: {found}, {expected}");
    }

    #[test]
    fn every_count_has_a_verdict_and_one_more_failure_is_no_better(
        n in 0_u64..5_000_000, a in 0_u64..1_000, m in 0_u64..5_000_000, b in 0_u64..1_000,
    ) {
        let gate = CanaryGate::new();
        let evaluate = |bad| gate.evaluate(objective("99.9"), counts(n, bad), Some(counts(m, b)));
        if matches!(evaluate(a), CanaryVerdict::Worse(_)) && a < n {
            prop_assert!(matches!(evaluate(a + 1), CanaryVerdict::Worse(_)));
        }
    }
}
