//! How many bad events make a page believable.
//!
//! With ten requests an hour, one failure is a burn of 100 at 99.9 %. It proves
//! nothing: a service that is exactly at its objective has such hours. The
//! question is how often, and the binomial distribution answers it exactly.

/// Pages that a service exactly at its objective may cause in 30 days: one in 20
/// months. The steepest pages of the *Workbook* reach 48 without a minimum.
const FALSE_PAGES: f64 = 0.05;

/// More bad events than this are no low traffic.
const MOST: u64 = 1_000;

/// As many events in a row have to suffice before the first of them is believed:
/// that `n` and `k` are whole numbers makes the probability a little uneven.
const RUN: u64 = 32;

/// The smallest number of bad events in the long window that keeps false pages
/// below [`FALSE_PAGES`], whatever the traffic is.
///
/// `budget` is the probability that an event is bad, `threshold` the ratio above
/// which the tier fires, `windows` how many long windows there are in 30 days.
/// `None` when no number up to 1 000 does: the threshold is too close to the
/// budget to tell a burn from chance.
///
/// With a minimum of `k`, the traffic that causes most false pages is the largest
/// for which `k` bad events are above the threshold, so one probability per `k`
/// is all there is to compute.
pub(super) fn min_bad_events(budget: f64, threshold: f64, windows: f64) -> Option<u64> {
    let mut first = 1;
    for bad in 1..=MOST + RUN {
        let busiest = (bad as f64 / threshold).ceil() - 1.0;
        let false_pages = at_least(bad, busiest.max(bad as f64), budget) * windows;
        if false_pages > FALSE_PAGES {
            first = bad + 1;
        } else if bad - first + 1 == RUN {
            break;
        }
    }
    (first <= MOST).then_some(first)
}

/// The probability of at least `k` successes in `n` trials: the upper tail of
/// the binomial distribution, summed from its own terms, since one less the
/// lower tail would lose all digits where the tail is small.
pub(crate) fn at_least(k: u64, n: f64, p: f64) -> f64 {
    // The logarithm of n over k, of as many factors at a time as a float holds.
    let (mut log_choose, mut product) = (0.0, 1.0_f64);
    for i in 1..=k {
        product *= (n - k as f64 + i as f64) / i as f64;
        if product > 1e200 {
            log_choose += product.ln();
            product = 1.0;
        }
    }
    log_choose += product.ln();
    let mut term = (log_choose + k as f64 * p.ln() + (n - k as f64) * (-p).ln_1p()).exp();
    let (mut sum, mut i) = (0.0, k as f64);
    while term > sum * 1e-17 && i <= n {
        sum += term;
        // Below the mean the terms still rise; they end above it.
        term *= (n - i) / (i + 1.0) * p / (1.0 - p);
        i += 1.0;
    }
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::{at_least, min_bad_events};

    /// The tail by adding up Pascal's triangle, row by row.
    fn by_recurrence(k: usize, n: usize, p: f64) -> f64 {
        let mut row = vec![0.0; n + 2];
        row[0] = 1.0;
        for _ in 0..n {
            for i in (1..row.len()).rev() {
                row[i] = row[i] * (1.0 - p) + row[i - 1] * p;
            }
            row[0] *= 1.0 - p;
        }
        row[k..].iter().sum()
    }

    #[test]
    fn the_tail_is_exact() {
        for p in [0.5, 0.1, 0.01, 0.001] {
            for n in [1_u32, 5, 69, 347, 1_000] {
                for k in [1_u32, 2, 5, 7, 20] {
                    if k > n {
                        continue;
                    }
                    let found = at_least(k.into(), n.into(), p);
                    let expected = by_recurrence(k as usize, n as usize, p);
                    assert!(
                        (found - expected).abs() <= expected * 1e-10,
                        "P(X >= {k}), n = {n}, p = {p}: {found} and {expected}"
                    );
                }
            }
        }
        assert!((at_least(1, 10.0, 0.1) - 0.651_321_559_9).abs() < 1e-12, "1 - 0.9^10");
    }

    /// False pages in 30 days without a minimum, against figures that were computed
    /// elsewhere.
    #[test]
    fn one_failure_pages_a_quiet_service_as_often_as_is_known() {
        for (per_hour, expected) in [(10_u32, 7.2), (30, 21.3), (69, 48.0), (100, 3.3), (300, 0.01)]
        {
            let above = (f64::from(per_hour) * 0.0144).floor() + 1.0;
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let found = at_least(above as u64, per_hour.into(), 0.001) * 720.0;
            assert!((found / expected - 1.0).abs() < 0.15, "{per_hour}/h: {found}");
        }
    }

    /// The table in the documentation of `slo`.
    #[test]
    fn the_documented_minimums_are_the_computed_ones() {
        let minimum = |budget: f64, factor: f64, hours: f64| {
            min_bad_events(budget, budget * factor, 720.0 / hours)
        };
        let documented =
            [(0.05, 4, 6), (0.01, 5, 7), (0.001, 5, 7), (0.000_1, 5, 7), (0.000_01, 5, 7)];
        let computed = documented.map(|(budget, ..)| {
            let minimums = (minimum(budget, 14.4, 1.0), minimum(budget, 6.0, 6.0));
            (budget, minimums.0.unwrap_or(0), minimums.1.unwrap_or(0))
        });
        assert_eq!(computed, documented);
    }

    /// Every traffic up to where chance has long evened out, by brute force.
    #[test]
    fn no_traffic_has_more_false_pages_than_promised() {
        for (factor, windows) in [(14.4, 720.0), (6.0, 120.0), (3.36, 720.0)] {
            let budget = 0.01;
            let minimum = min_bad_events(budget, budget * factor, windows).expect("there is one");
            let (mut worst_with, mut worst_below) = (0.0_f64, 0.0_f64);
            for n in 1_u32..6_000 {
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                let above = (f64::from(n) * budget * factor + 1e-9).floor() as u64 + 1;
                let at = |k: u64| at_least(above.max(k), n.into(), budget) * windows;
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
