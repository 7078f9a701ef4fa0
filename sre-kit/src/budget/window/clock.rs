//! The monotonic clock of the windows.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// The clock that windows are measured with.
///
/// It is monotonic, so that a correction of the wall clock does not change a burn rate. The wall
/// clock is read only to date a checkpoint.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    Monotonic(Instant),
    Manual(ManualClock),
}

impl Clock {
    /// Returns the monotonic clock of tokio, which tests can pause. It starts at zero now.
    pub fn monotonic() -> Self {
        Self(Source::Monotonic(Instant::now()))
    }

    /// Returns a clock for tests that starts at zero, and the handle that moves it.
    ///
    /// ```
    /// use std::time::Duration;
    /// use sre_kit::slo::Clock;
    ///
    /// let (clock, handle) = Clock::manual();
    /// handle.advance(Duration::from_secs(3600));
    /// assert_eq!(clock.elapsed(), Duration::from_secs(3600));
    /// ```
    pub fn manual() -> (Self, ManualClock) {
        let handle = ManualClock(Arc::new(AtomicU64::new(0)));
        (Self(Source::Manual(handle.clone())), handle)
    }

    /// Returns the time since the clock was created.
    pub fn elapsed(&self) -> Duration {
        match &self.0 {
            Source::Monotonic(start) => start.elapsed(),
            Source::Manual(handle) => handle.elapsed(),
        }
    }

    /// Returns the milliseconds since the clock was created.
    pub(crate) fn millis(&self) -> u64 {
        u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Returns the wall-clock time in milliseconds since the Unix epoch.
    pub(crate) fn wall_millis(&self) -> u64 {
        /// A day in 2033. A manual clock needs a wall-clock time that is not zero.
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

/// A handle that moves a clock of [`Clock::manual`] forward.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// Moves the clock forward by `by`, in whole milliseconds.
    pub fn advance(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.0.fetch_add(millis, Ordering::Relaxed);
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }
}
