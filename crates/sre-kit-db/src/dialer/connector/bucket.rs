//! How often the Admin API may be asked out of turn.

use std::time::Duration;

use tokio::time::Instant;

/// As Google's own connectors have it: two at once, and then one each thirty seconds.
pub(super) const EVERY: Duration = Duration::from_secs(30);

/// Two at once, and then one each `every` (a generic cell rate algorithm).
#[derive(Debug)]
pub(super) struct Bucket {
    every: Duration,
    /// When it is full again.
    full: Instant,
}

impl Bucket {
    pub(super) fn new() -> Self {
        Self { every: EVERY, full: Instant::now() }
    }

    /// For a certificate that lasts this long. Those of Cloud SQL last an hour; one that
    /// lasts a minute cannot wait for half of it.
    pub(super) fn lasts(&mut self, time: Duration) {
        self.every = EVERY.min(time / 4).max(Duration::from_millis(100));
    }

    /// When one may be taken.
    pub(super) fn ready(&self) -> Instant {
        self.full.checked_sub(self.every).unwrap_or(self.full)
    }

    /// Takes one, if there is one.
    pub(super) fn take(&mut self) -> bool {
        let now = Instant::now();
        if self.ready() > now {
            return false;
        }
        self.full = self.full.max(now) + self.every;
        true
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, advance};

    use super::{Bucket, Duration, EVERY};

    #[tokio::test(start_paused = true)]
    async fn two_at_once_and_then_one_each_thirty_seconds() {
        let mut bucket = Bucket::new();
        advance(EVERY * 10).await;
        assert!(bucket.take() && bucket.take() && !bucket.take());
        assert_eq!(bucket.ready(), Instant::now() + EVERY);
        advance(EVERY).await;
        assert!(bucket.take() && !bucket.take());
        advance(EVERY * 100).await;
        assert!(bucket.take() && bucket.take() && !bucket.take(), "it holds two at most");
    }

    #[tokio::test(start_paused = true)]
    async fn what_lasts_shorter_is_renewed_more_often() {
        let mut bucket = Bucket::new();
        bucket.lasts(Duration::from_secs(8));
        assert!(bucket.take() && bucket.take() && !bucket.take());
        advance(Duration::from_secs(2)).await;
        assert!(bucket.take());
    }
}
