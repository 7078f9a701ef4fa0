//! The rate limit of certificate refreshes.

use std::time::Duration;

use tokio::time::Instant;

/// The interval of Google's connectors: two refreshes at once, then one in 30 s.
pub(super) const REFRESH_INTERVAL: Duration = Duration::from_secs(30);

/// A token bucket of two, implemented as a generic cell rate algorithm.
#[derive(Debug)]
pub(super) struct RefreshLimiter {
    interval: Duration,
    /// When the bucket is full again.
    full_at: Instant,
}

impl RefreshLimiter {
    pub(super) fn new() -> Self {
        Self { interval: REFRESH_INTERVAL, full_at: Instant::now() }
    }

    /// Adapts the interval to the lifetime of the certificate. It is an hour with Cloud SQL; with a
    /// minute, 30 s would be too long.
    pub(super) fn set_lifetime(&mut self, lifetime: Duration) {
        self.interval = REFRESH_INTERVAL.min(lifetime / 4).max(Duration::from_millis(100));
    }

    /// Returns when the next refresh is allowed.
    pub(super) fn ready_at(&self) -> Instant {
        self.full_at.checked_sub(self.interval).unwrap_or(self.full_at)
    }

    /// Takes a token, and returns whether there was one.
    pub(super) fn take(&mut self) -> bool {
        let now = Instant::now();
        if self.ready_at() > now {
            return false;
        }
        self.full_at = self.full_at.max(now) + self.interval;
        true
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, advance};

    use super::{Duration, REFRESH_INTERVAL, RefreshLimiter};

    #[tokio::test(start_paused = true)]
    async fn two_at_once_and_then_one_each_thirty_seconds() {
        let mut limiter = RefreshLimiter::new();
        advance(REFRESH_INTERVAL * 10).await;
        assert!(limiter.take() && limiter.take() && !limiter.take());
        assert_eq!(limiter.ready_at(), Instant::now() + REFRESH_INTERVAL);
        advance(REFRESH_INTERVAL).await;
        assert!(limiter.take() && !limiter.take());
        advance(REFRESH_INTERVAL * 100).await;
        assert!(limiter.take() && limiter.take() && !limiter.take(), "it holds two at most");
    }

    #[tokio::test(start_paused = true)]
    async fn what_lasts_shorter_is_renewed_more_often() {
        let mut limiter = RefreshLimiter::new();
        limiter.set_lifetime(Duration::from_secs(8));
        assert!(limiter.take() && limiter.take() && !limiter.take());
        advance(Duration::from_secs(2)).await;
        assert!(limiter.take());
    }
}
