use std::fmt;
use std::sync::Arc;

use super::Health;

/// Something that startup waits for. Made by [`Health::latch`].
///
/// Dropping a latch does not release it, for a task that panicked drops its latch
/// too: startup then never completes, and the probe says which latch it waits for.
#[must_use = "startup waits until it is released"]
pub struct Latch {
    health: Health,
    name: Arc<str>,
    id: u64,
    released: bool,
}

impl Latch {
    pub(super) fn new(health: Health, name: Arc<str>, id: u64) -> Self {
        Self { health, name, id, released: false }
    }

    /// Startup no longer waits for this.
    pub fn release(mut self) {
        self.released = true;
        self.health.update(|board| board.latches.retain(|hold| hold.id != self.id));
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
