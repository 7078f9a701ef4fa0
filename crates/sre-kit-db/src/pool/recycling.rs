//! When a connection has lived long enough.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::credentials::jittered;

/// From this share of its lifetime on a connection may be renewed.
const FROM: f64 = 0.8;

/// While logging in does not work a connection lives on, up to so many lifetimes: a
/// state that nobody mends in that time is no outage but a setting.
const HARD_CAP: u32 = 4;

/// Renews connections one after the other.
///
/// Connections that were opened together would be due together, and log in again as a
/// herd. Here what remains of the lifetime is divided by the size of the pool, and no
/// two renewals follow each other sooner: the rate of logins is bounded, whatever the
/// ages are.
#[derive(Debug)]
pub(crate) struct Recycling {
    lifetime: Duration,
    spacing: Duration,
    next: Mutex<Option<Instant>>,
    paused: AtomicBool,
}

impl Recycling {
    pub(crate) fn new(lifetime: Duration, max_connections: u32) -> Self {
        let spacing = lifetime.mul_f64(1.0 - FROM) / max_connections.max(1);
        Self { lifetime, spacing, next: Mutex::default(), paused: AtomicBool::new(false) }
    }

    pub(crate) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Whether a connection of this age is to be closed now. It takes the turn if so.
    pub(crate) fn is_due(&self, age: Duration, can_log_in: bool, now: Instant) -> bool {
        if age < self.lifetime.mul_f64(FROM) {
            return false;
        }
        let capped = age >= self.lifetime.saturating_mul(HARD_CAP);
        self.paused.store(!can_log_in && !capped, Ordering::Relaxed);
        if !can_log_in && !capped {
            return false;
        }
        // Those that are overdue, after an outage, may follow each other faster.
        let spacing = if age > self.lifetime { self.spacing / 4 } else { self.spacing };
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        if next.is_some_and(|next| now < next) {
            return false;
        }
        *next = Some(now + jittered(spacing, 0.5));
        true
    }

    /// Whether connections live on because logging in does not work.
    pub(crate) fn is_paused(&self, can_log_in: bool) -> bool {
        !can_log_in && self.paused.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
#[allow(clippy::unchecked_time_subtraction, reason = "an underflow fails the test, as it should")]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::Recycling;

    const LIFE: Duration = Duration::from_mins(30);

    /// Ages of connections at their renewals, when all were opened at once and each is
    /// looked at every `step`.
    fn renewals(
        connections: u32,
        step: Duration,
        can_log_in: impl Fn(Duration) -> bool,
    ) -> Vec<Duration> {
        let recycling = Recycling::new(LIFE, connections);
        let start = Instant::now();
        let mut born = vec![Duration::ZERO; connections as usize];
        let mut found = Vec::new();
        let mut at = Duration::ZERO;
        while at < LIFE * 6 && found.len() < born.len() {
            at += step;
            for birth in &mut born {
                if recycling.is_due(at - *birth, can_log_in(at), start + at) {
                    found.push(at);
                    *birth = at;
                }
            }
        }
        found
    }

    #[test]
    fn a_herd_is_renewed_one_by_one_within_its_lifetime() {
        let found = renewals(30, Duration::from_millis(500), |_| true);
        assert_eq!(found.len(), 30);
        assert!(found[0] >= LIFE.mul_f64(0.8), "{:?}", found[0]);
        assert!(found[29] <= LIFE.mul_f64(1.1), "{:?}", found[29]);
        let even = LIFE.mul_f64(0.2) / 30;
        for pair in found.windows(2) {
            assert!(pair[1] - pair[0] >= even.mul_f64(0.12), "{pair:?}");
        }
        // Half of them take about half of the time.
        let half = (found[15] - found[0]).as_secs_f64() / (found[29] - found[0]).as_secs_f64();
        assert!((0.3..=0.8).contains(&half), "{half}");
    }

    #[test]
    fn nothing_is_renewed_during_an_outage_and_the_cap_ends_it() {
        let outage = |at: Duration| at < LIFE || at > LIFE * 2;
        let found = renewals(10, Duration::from_secs(1), outage);
        assert!(!found.iter().any(|at| (LIFE..=LIFE * 2).contains(at)), "{found:?}");
        let found = renewals(10, Duration::from_secs(1), |_| false);
        assert_eq!(found.len(), 10);
        assert!(found[0] >= LIFE * 4, "{:?}", found[0]);
    }

    proptest! {
        #[test]
        fn a_young_connection_is_never_due(share in 0.0..0.8_f64, can_log_in: bool) {
            let recycling = Recycling::new(LIFE, 10);
            prop_assert!(!recycling.is_due(LIFE.mul_f64(share), can_log_in, Instant::now()));
        }
    }
}
