//! Measures a variant against its baseline on one thread.
//!
//! A baseline measured a minute earlier, or in another process, differs by more than the cost of a
//! good layer. So batches of baseline and variant alternate, and the result is the difference of
//! a low percentile of both: other load on the machine makes batches slower and never faster.

use std::time::Instant;

use crate::request::Mix;
use crate::variants::Variant;

/// The requests in a batch: enough for the clock's resolution, few enough to be undisturbed.
pub const BATCH: usize = 128;

/// Nanoseconds per request.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// The cost of the service alone.
    pub base: f64,
    /// The cost of the service with the layer.
    pub whole: f64,
}

impl Cost {
    /// Returns the cost that the layer adds.
    pub fn over(self) -> f64 {
        self.whole - self.base
    }
}

/// Returns the value below which `percent` % of `times` lie. Sorts `times`.
pub fn percentile(times: &mut [f64], percent: usize) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() * percent / 100).copied().unwrap_or(f64::NAN)
}

/// Measures one round of `pairs` pairs of batches and returns the tenth percentiles.
pub fn round(base: &Variant, variant: &Variant, mix: Mix, pairs: usize) -> Cost {
    let mut workers = [base.worker(mix), variant.worker(mix)];
    let mut times = [Vec::with_capacity(pairs), Vec::with_capacity(pairs)];
    // Warms up until every series exists and the caches are filled.
    for _ in 0..16 {
        for worker in &mut workers {
            worker.prepare(BATCH);
            worker.serve();
        }
    }
    for pair in 0..pairs {
        for (worker, times) in workers.iter_mut().zip(&mut times) {
            worker.prepare(BATCH);
            let start = Instant::now();
            worker.serve();
            times.push(start.elapsed().as_nanos() as f64 / BATCH as f64);
        }
        if pair % 400 == 399 {
            variant.run_upkeep();
        }
    }
    variant.run_upkeep();
    let [base, whole] = &mut times;
    Cost { base: percentile(base, 10), whole: percentile(whole, 10) }
}

/// Returns the median by the cost that the layer adds.
pub fn median(mut rounds: Vec<Cost>) -> Cost {
    rounds.sort_by(|a, b| a.over().total_cmp(&b.over()));
    rounds[rounds.len() / 2]
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "whole numbers, and exact")]
mod tests {
    use super::{Cost, median, percentile};

    #[test]
    fn a_percentile_is_a_value_that_was_measured() {
        let mut times: Vec<_> = (0..100).rev().map(f64::from).collect();
        assert_eq!([percentile(&mut times, 10), percentile(&mut times, 50)], [10.0, 50.0]);
        assert!(percentile(&mut [], 10).is_nan());
    }

    #[test]
    fn the_median_round_is_the_middle_one_by_what_is_added() {
        let cost = |over| Cost { base: 100.0 - over, whole: 100.0 };
        let middle = median(vec![cost(9.0), cost(1.0), cost(5.0)]);
        assert_eq!(middle.over(), 5.0);
    }
}
