//! Latches: what startup waits for.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::handle::Health;
use super::health_state::LatchEntry;

/// A latch that startup waits for. [`Health::latch`] creates it.
///
/// Dropping a latch does not release it, because a task that panics drops its latch, too. Startup
/// then never completes, and the probe names the latch it waits for.
#[must_use = "startup waits until the latch is released"]
pub struct Latch {
    health: Health,
    name: Arc<str>,
    id: u64,
    released: bool,
}

impl Health {
    /// Adds a latch: startup does not complete before it is [released](Latch::release).
    ///
    /// Take it before [`spawn`](Self::spawn), or at least before startup is complete. After that it
    /// has no effect, because a service that is started stays started.
    pub fn latch(&self, name: impl Into<String>) -> Latch {
        let name: Arc<str> = name.into().into();
        let id = self.inner.next_latch.fetch_add(1, Ordering::Relaxed);
        self.update(|state| {
            if !state.started {
                state.latches.push(LatchEntry { id, name: Arc::clone(&name) });
            }
        });
        if self.is_started() {
            tracing::warn!(
                latch = &*name,
                "a latch was taken after startup; it holds nothing back"
            );
        }
        Latch { health: self.clone(), name, id, released: false }
    }
}

impl Latch {
    /// Releases the latch: startup no longer waits for it.
    pub fn release(mut self) {
        self.released = true;
        self.health.update(|state| state.latches.retain(|entry| entry.id != self.id));
    }
}

impl Drop for Latch {
    fn drop(&mut self) {
        if !self.released && !self.health.is_started() {
            tracing::error!(
                latch = &*self.name,
                "a startup latch was dropped without being released; startup will not complete"
            );
        }
    }
}

impl fmt::Debug for Latch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Latch").field("name", &self.name).finish_non_exhaustive()
    }
}
