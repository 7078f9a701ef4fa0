//! The hypergeometric distribution.
//!
//! Source: R. A. Fisher, *The Design of Experiments*, 1935, chapter 2.

/// Returns the probability that at least `k` of `bad` events fall to the `n` events of one group if
/// they are spread at random over it and a second group of `others` events. This is the one-sided
/// p-value of Fisher's exact test.
///
/// Each term is computed from its neighbour, relative to the largest one, so that no factorial is
/// computed. A term that underflows is below 1e-300 of the sum.
pub(crate) fn upper_tail(k: u64, n: f64, others: f64, bad: f64) -> f64 {
    let up = |x: f64| (bad - x) * (n - x) / ((x + 1.0) * (others - bad + x + 1.0));
    let mode = ((n + 1.0) * (bad + 1.0) / (n + others + 2.0)).floor();
    let from = k as f64;
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
