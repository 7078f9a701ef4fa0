//! The binomial distribution.

/// Returns the probability of at least `k` successes in `n` trials that succeed with probability
/// `p`.
///
/// The tail is summed from its own terms. Computing it as 1 minus the lower tail would lose all
/// significant digits of a small tail.
pub(crate) fn upper_tail(k: u64, n: f64, p: f64) -> f64 {
    // The logarithm of the binomial coefficient. The product is moved to the logarithm before it
    // overflows.
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
        // Below the mean the terms still rise, so the loop ends only above it.
        term *= (n - i) / (i + 1.0) * p / (1.0 - p);
        i += 1.0;
    }
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::upper_tail;

    /// Computes the tail from Pascal's triangle, row by row.
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
                    let found = upper_tail(k.into(), n.into(), p);
                    let expected = by_recurrence(k as usize, n as usize, p);
                    assert!(
                        (found - expected).abs() <= expected * 1e-10,
                        "P(X >= {k}), n = {n}, p = {p}: {found} and {expected}"
                    );
                }
            }
        }
        assert!((upper_tail(1, 10.0, 0.1) - 0.651_321_559_9).abs() < 1e-12, "1 - 0.9^10");
    }
}
