//! Time for windows: it never runs backwards.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// The clock that windows are measured with: monotonic, so that a corrected wall
/// clock changes no burn rate. The time of day only dates a checkpoint.
///
/// Follows tokio's clock, which tests may pause.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    Monotonic(Instant),
    Manual(ManualClock),
}

impl Clock {
    /// The operating system's monotonic clock.
    pub fn monotonic() -> Self {
        Self(Source::Monotonic(Instant::now()))
    }

    /// A clock that stands still unless it is moved.
    ///
    /// ```
    /// use std::time::Duration;
    /// use sre_kit::slo::Clock;
    ///
    /// let (clock, hand) = Clock::manual();
    /// hand.advance(Duration::from_secs(3600));
    /// assert_eq!(clock.elapsed(), Duration::from_secs(3600));
    /// ```
    pub fn manual() -> (Self, ManualClock) {
        let hand = ManualClock(Arc::new(AtomicU64::new(0)));
        (Self(Source::Manual(hand.clone())), hand)
    }

    /// Time since the clock was made.
    pub fn elapsed(&self) -> Duration {
        match &self.0 {
            Source::Monotonic(start) => start.elapsed(),
            Source::Manual(hand) => hand.elapsed(),
        }
    }

    /// Milliseconds since the clock was made.
    pub(crate) fn millis(&self) -> u64 {
        u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The time of day, in milliseconds since the Unix epoch.
    pub(crate) fn wall_millis(&self) -> u64 {
        /// Some day in 2033, so that a manual clock has a past.
        const MANUAL_START: u64 = 2_000_000_000_000;
        match &self.0 {
            Source::Monotonic(_) => SystemTime::UNIX_EPOCH
                .elapsed()
                .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX)),
            Source::Manual(_) => MANUAL_START.saturating_add(self.millis()),
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.elapsed()).finish()
    }
}

/// Moves a [`Clock::manual`].
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// Moves the clock on, in whole milliseconds.
    pub fn advance(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.0.fetch_add(millis, Ordering::Relaxed);
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }
}
