//! The shared part of a heartbeat.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// The entry of a heartbeat in the health state.
pub(super) struct HeartbeatEntry {
    pub(super) name: String,
    max_age: Duration,
    epoch: Instant,
    /// Nanoseconds from `epoch` to the last beat, enough for 584 years.
    last: AtomicU64,
}

impl HeartbeatEntry {
    /// Creates an entry whose last beat is now.
    pub(super) fn new(name: String, max_age: Duration) -> Self {
        Self { name, max_age, epoch: Instant::now(), last: AtomicU64::new(0) }
    }

    pub(super) fn beat(&self, now: Instant) {
        let nanos = now.saturating_duration_since(self.epoch).as_nanos();
        // Relaxed: a probe reads this one number, and no other memory through it.
        self.last.store(u64::try_from(nanos).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Returns the time since the last beat.
    pub(super) fn age(&self, now: Instant) -> Duration {
        let last = Duration::from_nanos(self.last.load(Ordering::Relaxed));
        now.saturating_duration_since(self.epoch).saturating_sub(last)
    }

    pub(super) fn is_beating(&self, now: Instant) -> bool {
        self.age(now) <= self.max_age
    }
}

impl fmt::Debug for HeartbeatEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeartbeatEntry")
            .field("name", &self.name)
            .field("max_age", &self.max_age)
            .finish_non_exhaustive()
    }
}
