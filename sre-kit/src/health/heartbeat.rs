use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::Health;

/// The life sign of a loop that must not stop. Made by [`Health::heartbeat`].
///
/// When no [`beat`](Self::beat) comes for longer than the agreed age, liveness
/// fails and the orchestrator restarts the process: the one cure for a deadlock.
/// Beat from the loop itself, once a turn, and never from a timer beside it.
///
/// Dropping it takes nothing back, for a loop that panicked drops it too. Say
/// [Self::stop](Self::stop) when the loop ends as it should.
#[must_use = "without `beat` liveness fails"]
pub struct Heartbeat {
    health: Health,
    pulse: Arc<Pulse>,
}

impl Heartbeat {
    pub(super) fn new(health: Health, pulse: Arc<Pulse>) -> Self {
        Self { health, pulse }
    }

    /// Says that the loop goes on. One atomic store.
    pub fn beat(&self) {
        self.pulse.beat(Instant::now());
    }

    /// The loop has ended as it should; liveness no longer asks for it.
    pub fn stop(self) {
        self.health.update(|board| {
            board.pulses.retain(|pulse| !Arc::ptr_eq(pulse, &self.pulse));
        });
    }
}

impl fmt::Debug for Heartbeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heartbeat").field("pulse", &self.pulse).finish_non_exhaustive()
    }
}

/// The shared half of a heartbeat.
pub(super) struct Pulse {
    pub(super) name: String,
    max_age: Duration,
    epoch: Instant,
    /// Nanoseconds from `epoch` to the last beat; 2^64 of them are 584 years.
    last: AtomicU64,
}

impl Pulse {
    pub(super) fn new(name: String, max_age: Duration) -> Self {
        Self { name, max_age, epoch: Instant::now(), last: AtomicU64::new(0) }
    }

    fn beat(&self, now: Instant) {
        let nanos = now.saturating_duration_since(self.epoch).as_nanos();
        self.last.store(u64::try_from(nanos).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(super) fn age(&self, now: Instant) -> Duration {
        let last = Duration::from_nanos(self.last.load(Ordering::Relaxed));
        now.saturating_duration_since(self.epoch).saturating_sub(last)
    }

    pub(super) fn is_beating(&self, now: Instant) -> bool {
        self.age(now) <= self.max_age
    }
}

impl fmt::Debug for Pulse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pulse")
            .field("name", &self.name)
            .field("max_age", &self.max_age)
            .finish_non_exhaustive()
    }
}
