//! The minimum of bad events that keeps pages of services with little traffic significant.
//!
//! At ten requests per hour and an objective of 99.9 %, one failure is a burn rate of 100. It
//! proves nothing, because a service that is exactly at its objective has such hours as well. The
//! binomial distribution gives the exact probability of such an hour.

use crate::statistics::binomial;

/// The expected number of false pages in 30 days that is tolerated for a service exactly at its
/// objective: one in 20 months. Without a minimum the tier `fast` reaches 48.
const FALSE_PAGES: f64 = 0.05;

/// The largest minimum that is considered.
const MAX_MINIMUM: u64 = 1_000;

/// The number of consecutive minimums that have to suffice before the first of them is taken. The
/// probability is not monotonic in `k`, because `n` and `k` are whole numbers.
const RUN: u64 = 32;

/// Returns the smallest number of bad events in the long window that keeps the false pages below
/// [`FALSE_PAGES`] at every traffic.
///
/// `budget` is the probability that an event is bad, `threshold` the error ratio above which the
/// tier fires, and `windows` the number of long windows in 30 days. Returns `None` if no number up
/// to 1 000 suffices: then the threshold is too close to the budget to distinguish a burn from
/// chance.
///
/// With a minimum of `k`, the traffic that causes the most false pages is the largest one at which
/// `k` bad events are still above the threshold. One probability per `k` is therefore enough.
pub(super) fn min_bad_events(budget: f64, threshold: f64, windows: f64) -> Option<u64> {
    let mut first = 1;
    for bad in 1..=MAX_MINIMUM + RUN {
        let busiest = (bad as f64 / threshold).ceil() - 1.0;
        let false_pages = binomial::upper_tail(bad, busiest.max(bad as f64), budget) * windows;
        if false_pages > FALSE_PAGES {
            first = bad + 1;
        } else if bad - first + 1 == RUN {
            break;
        }
    }
    (first <= MAX_MINIMUM).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::min_bad_events;
    use crate::statistics::binomial::upper_tail;

    /// Compares the false pages in 30 days without a minimum with figures that were computed
    /// elsewhere.
    #[test]
    fn one_failure_pages_a_quiet_service_as_often_as_is_known() {
        for (per_hour, expected) in [(10_u32, 7.2), (30, 21.3), (69, 48.0), (100, 3.3), (300, 0.01)]
        {
            let above = (f64::from(per_hour) * 0.0144).floor() + 1.0;
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let found = upper_tail(above as u64, per_hour.into(), 0.001) * 720.0;
            assert!((found / expected - 1.0).abs() < 0.15, "{per_hour}/h: {found}");
        }
    }

    /// Checks the table in the documentation of the crate.
    #[test]
    fn the_documented_minimums_are_the_computed_ones() {
        let minimum = |budget: f64, factor: f64, hours: f64| {
            min_bad_events(budget, budget * factor, 720.0 / hours)
        };
        let page = include_str!("../lib.rs");
        for (percent, budget) in
            [("95", 0.05), ("99", 0.01), ("99.9", 0.001), ("99.99", 0.000_1), ("99.999", 0.000_01)]
        {
            let fast = minimum(budget, 14.4, 1.0).expect("far above the budget");
            let medium = minimum(budget, 6.0, 6.0).expect("far above the budget");
            let row = format!("//! | {percent} % | {fast} | {medium} |\n");
            assert!(page.contains(&row), "{row}");
        }
    }

    /// Tries every traffic up to 6 000 events per window.
    #[test]
    fn no_traffic_has_more_false_pages_than_promised() {
        for (factor, windows) in [(14.4, 720.0), (6.0, 120.0), (3.36, 720.0)] {
            let budget = 0.01;
            let minimum = min_bad_events(budget, budget * factor, windows).expect("there is one");
            let (mut worst_with, mut worst_below) = (0.0_f64, 0.0_f64);
            for n in 1_u32..6_000 {
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                let above = (f64::from(n) * budget * factor + 1e-9).floor() as u64 + 1;
                let at = |k: u64| upper_tail(above.max(k), n.into(), budget) * windows;
                if above.max(minimum) <= n.into() {
                    worst_with = worst_with.max(at(minimum));
                }
                if minimum > 1 && above.max(minimum - 1) <= n.into() {
                    worst_below = worst_below.max(at(minimum - 1));
                }
            }
            assert!(worst_with <= 0.05, "{factor}: {worst_with} with {minimum}");
            assert!(worst_below > 0.05, "{factor}: one fewer would do: {worst_below}");
        }
    }

    #[test]
    fn a_threshold_at_the_budget_is_chance() {
        assert_eq!(min_bad_events(0.001, 0.001, 120.0), None);
        assert!(min_bad_events(0.001, 0.0014, 120.0).is_some());
    }
}
