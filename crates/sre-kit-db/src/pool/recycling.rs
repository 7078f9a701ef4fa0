//! The lifetime of connections.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::credentials::jittered;

/// The share of its lifetime from which on a connection may be replaced.
const DUE_SHARE: f64 = 0.8;

/// The number of lifetimes after which a connection is replaced even while logins fail: what lasts
/// longer is no outage but a wrong setting.
const MAX_LIFETIMES: u32 = 4;

/// Replaces connections one after the other.
///
/// Connections that were opened together would be due together, and log in again as a thundering
/// herd. So the last part of the lifetime is divided by the size of the pool, which gives the
/// shortest time between two replacements: it bounds the rate of logins, whatever the ages are.
#[derive(Debug)]
pub(crate) struct Recycling {
    lifetime: Duration,
    spacing: Duration,
    next: Mutex<Option<Instant>>,
    paused: AtomicBool,
}

impl Recycling {
    pub(crate) fn new(lifetime: Duration, max_connections: u32) -> Self {
        let spacing = lifetime.mul_f64(1.0 - DUE_SHARE) / max_connections.max(1);
        Self { lifetime, spacing, next: Mutex::default(), paused: AtomicBool::new(false) }
    }

    pub(crate) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Returns whether a connection of this age has to be closed now. If so, the next one is not
    /// due before the spacing is over.
    pub(crate) fn is_due(&self, age: Duration, can_log_in: bool, now: Instant) -> bool {
        if age < self.lifetime.mul_f64(DUE_SHARE) {
            return false;
        }
        let capped = age >= self.lifetime.saturating_mul(MAX_LIFETIMES);
        self.paused.store(!can_log_in && !capped, Ordering::Relaxed);
        if !can_log_in && !capped {
            return false;
        }
        // After an outage connections are overdue, and may follow each other faster.
        let spacing = if age > self.lifetime { self.spacing / 4 } else { self.spacing };
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        if next.is_some_and(|next| now < next) {
            return false;
        }
        *next = Some(now + jittered(spacing, 0.5));
        true
    }

    /// Returns whether connections are kept because logins fail.
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

    /// Returns the times of the replacements of connections that were opened together and are
    /// checked every `step`.
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
    fn a_herd_is_replaced_one_by_one_within_its_lifetime() {
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
    fn nothing_is_replaced_during_an_outage_until_the_cap() {
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
