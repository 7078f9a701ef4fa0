//! Exponential backoff and jitter.

use std::time::Duration;

/// Exponential backoff with full jitter: a random pause up to a bound that doubles with each
/// attempt. It spreads instances that failed together better than other schemes ([Exponential
/// Backoff And Jitter][aws]).
///
/// [aws]: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
#[derive(Debug)]
pub(crate) struct Backoff {
    base: Duration,
    max: Duration,
    attempts: u32,
}

/// The shortest pause.
const MIN_PAUSE: Duration = Duration::from_millis(50);

impl Backoff {
    pub(crate) fn new(base: Duration, max: Duration) -> Self {
        Self { base, max, attempts: 0 }
    }

    /// Returns the pause before the next attempt.
    pub(crate) fn pause(&mut self) -> Duration {
        let bound = self.base.saturating_mul(1 << self.attempts.min(16)).min(self.max);
        self.attempts = self.attempts.saturating_add(1);
        bound.mul_f64(fastrand::f64()).max(MIN_PAUSE)
    }

    #[cfg(any(test, feature = "postgres"))]
    pub(crate) fn reset(&mut self) {
        self.attempts = 0;
    }
}

/// Returns `time`, longer or shorter by up to `share` of it.
#[cfg(any(test, feature = "migrate", feature = "postgres"))]
pub(crate) fn jittered(time: Duration, share: f64) -> Duration {
    time.mul_f64(1.0 + share * (2.0 * fastrand::f64() - 1.0))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Backoff, MIN_PAUSE, jittered};

    #[test]
    fn the_bound_doubles_up_to_the_most_and_begins_anew_after_a_success() {
        let (first, most) = (Duration::from_secs(1), Duration::from_secs(30));
        let mut longest = [Duration::ZERO; 8];
        for _ in 0..2_000 {
            let mut backoff = Backoff::new(first, most);
            for longest in &mut longest {
                *longest = backoff.pause().max(*longest);
            }
            backoff.reset();
            assert!(backoff.pause() <= first);
        }
        for (attempt, longest) in longest.into_iter().enumerate() {
            let bound = first.saturating_mul(1 << attempt).min(most);
            assert!(longest <= bound && longest >= bound.mul_f64(0.95), "{attempt}: {longest:?}");
        }
        assert!(Backoff::new(Duration::ZERO, most).pause() >= MIN_PAUSE, "and never spins");
    }

    #[test]
    fn jitter_stays_within_its_share() {
        let time = Duration::from_secs(10);
        for _ in 0..1_000 {
            let found = jittered(time, 0.2).as_secs_f64();
            assert!((8.0..=12.0).contains(&found), "{found}");
        }
    }
}
