//! A consistent view of the whole health.

use std::fmt;
use std::sync::Arc;

use tokio::time::Instant;

use super::check_snapshot::CheckSnapshot;
use super::check_spec::CheckSpec;
use super::handle::Health;
use super::health_state::HealthState;

/// A consistent view of the service's health at one moment.
///
/// A snapshot is cheap to take and to keep, and it never changes.
#[derive(Clone)]
pub struct HealthSnapshot {
    pub(super) specs: Arc<[CheckSpec]>,
    pub(super) state: Arc<HealthState>,
    pub(super) now: Instant,
}

impl Health {
    /// Returns a snapshot of the current health.
    pub fn snapshot(&self) -> HealthSnapshot {
        HealthSnapshot {
            specs: Arc::clone(&self.inner.specs),
            state: Arc::clone(&self.inner.state.borrow()),
            now: Instant::now(),
        }
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Health").field(&self.snapshot()).finish()
    }
}

impl HealthSnapshot {
    /// Returns whether startup is complete. A service that is started stays started.
    pub fn is_started(&self) -> bool {
        self.state.started
    }

    /// Returns whether the instance should receive traffic: it is started, it is not draining, and
    /// no check that gates readiness fails.
    pub fn is_ready(&self) -> bool {
        self.state.is_ready(self.now)
    }

    /// Returns whether the process is live: it drains, or every heartbeat is recent enough.
    pub fn is_live(&self) -> bool {
        self.state.is_live(self.now)
    }

    /// Returns the reason for which the service is draining, if it is.
    pub fn draining(&self) -> Option<&str> {
        self.state.draining.as_deref()
    }

    /// Returns the names of the latches that startup waits for.
    pub fn latches(&self) -> impl Iterator<Item = &str> {
        self.state.latches.iter().map(|entry| &*entry.name)
    }

    /// Returns all checks, in the order in which they were added.
    pub fn checks(&self) -> impl Iterator<Item = CheckSnapshot<'_>> {
        self.specs
            .iter()
            .zip(&self.state.statuses)
            .map(|(spec, status)| CheckSnapshot::new(spec, status, self.now))
    }

    /// Returns the check with this name.
    pub fn check(&self, name: &str) -> Option<CheckSnapshot<'_>> {
        self.checks().find(|check| check.name() == name)
    }
}

impl fmt::Debug for HealthSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without messages of checks, because `{:?}` of a snapshot ends up in logs.
        f.debug_struct("HealthSnapshot")
            .field("started", &self.is_started())
            .field("ready", &self.is_ready())
            .field("live", &self.is_live())
            .field("draining", &self.draining().is_some())
            .field("checks", &self.checks().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
