//! The permit of an admitted request.

use std::fmt;

use super::handle::SemaphoreHandle;
use super::queue::Grant;
use sre_kit_core::internal::Reading;

/// A permit to be at work. Dropping it releases its units.
///
/// [`Admission::try_admit`](super::Admission::try_admit) returns one for work that is not an HTTP
/// request, such as a job or a message.
#[must_use = "dropping the permit releases its units"]
pub struct Permit {
    handle: SemaphoreHandle,
    weight: u32,
    /// The units in use when this was admitted, including its own.
    in_use: u64,
    /// Set if an adaptive limit measures the latency.
    started: Option<Reading>,
}

impl Permit {
    #[inline]
    pub(super) fn new(handle: SemaphoreHandle, grant: &Grant) -> Self {
        let &Grant { weight, in_use } = grant;
        Self { handle, weight, in_use, started: None }
    }

    /// Acquires `weight` units if they are free and the queue is empty.
    #[inline]
    pub(super) fn try_acquire(handle: &SemaphoreHandle, weight: u32) -> Option<Self> {
        let grant = handle.semaphore().try_acquire(weight)?;
        Some(Self::new(handle.clone(), &grant))
    }

    /// Returns how many units of the limit the permit holds.
    pub fn weight(&self) -> u32 {
        self.weight
    }

    /// Starts the latency that an adaptive limit measures.
    #[inline]
    pub(super) fn start(&mut self) {
        if let Some(controller) = &self.handle.semaphore().controller {
            self.started = Some(controller.now());
        }
    }

    /// Ends the latency with a response head. `good` says that the work was done.
    #[inline]
    pub(super) fn head(&mut self, good: bool) {
        if let Some(started) = self.started.take() {
            self.record(started, good);
        }
    }

    fn record(&self, started: Reading, good: bool) {
        let semaphore = self.handle.semaphore();
        let Some(controller) = &semaphore.controller else { return };
        if controller.record(started, self.in_use, good, |limit| semaphore.set_limit(limit)) {
            semaphore.dispatch();
        }
    }
}

impl Drop for Permit {
    #[inline]
    fn drop(&mut self) {
        if let Some(started) = self.started.take() {
            // There was no response head: the request was cancelled, failed or panicked.
            self.record(started, false);
        }
        self.handle.semaphore().release(self.weight);
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("weight", &self.weight).finish_non_exhaustive()
    }
}
