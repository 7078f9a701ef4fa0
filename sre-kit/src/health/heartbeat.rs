//! Heartbeats: what liveness depends on.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::check_spec::validate_name;
use super::handle::Health;
use super::heartbeat_entry::HeartbeatEntry;
use crate::ConfigError;

/// The heartbeat of a loop that must not stop. [`Health::heartbeat`] creates it.
///
/// Liveness fails when the last [`beat`](Self::beat) is older than the heartbeat's maximum age. The
/// orchestrator then restarts the process, which is the only remedy for a deadlock. Call `beat`
/// from the loop itself, once per iteration, and never from a separate timer.
///
/// Dropping the heartbeat does not remove it, because a loop that panics drops it, too. Call
/// [`stop`](Self::stop) when the loop ends normally.
#[must_use = "liveness fails without calls of `beat`"]
pub struct Heartbeat {
    health: Health,
    entry: Arc<HeartbeatEntry>,
}

impl Health {
    /// Adds a heartbeat: liveness fails when its last beat is older than `max_age`.
    ///
    /// Choose several times the duration of the longest iteration of the loop, because a false
    /// alarm costs a restart. This call records the first beat.
    ///
    /// # Errors
    ///
    /// Returns an error if
    /// - the name is malformed or another heartbeat has it, or
    /// - `max_age` is zero.
    pub fn heartbeat(
        &self,
        name: impl Into<String>,
        max_age: Duration,
    ) -> Result<Heartbeat, ConfigError> {
        let name = name.into();
        validate_name("heartbeat name", &name)?;
        if max_age.is_zero() {
            return Err(ConfigError::new(
                format!("max_age of heartbeat `{name}`"),
                max_age,
                "every beat is older than that",
                "write several times the longest turn of the loop",
            ));
        }
        let entry = Arc::new(HeartbeatEntry::new(name, max_age));
        let mut taken = false;
        self.update(|state| {
            taken = state.heartbeats.iter().any(|other| other.name == entry.name);
            if !taken {
                state.heartbeats.push(Arc::clone(&entry));
            }
        });
        if taken {
            return Err(ConfigError::new(
                "heartbeat name",
                &entry.name,
                "another heartbeat has that name, and beats for one would hide the other",
                "rename one of them, or stop the first",
            ));
        }
        Ok(Heartbeat { health: self.clone(), entry })
    }
}

impl Heartbeat {
    /// Records that the loop is running. It costs one atomic store.
    pub fn beat(&self) {
        self.entry.beat(Instant::now());
    }

    /// Removes the heartbeat: liveness no longer depends on it.
    pub fn stop(self) {
        self.health.update(|state| {
            state.heartbeats.retain(|entry| !Arc::ptr_eq(entry, &self.entry));
        });
    }
}

impl fmt::Debug for Heartbeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heartbeat").field("entry", &self.entry).finish_non_exhaustive()
    }
}
