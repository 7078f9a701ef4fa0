//! The ends that futures and bodies have in common.

use super::in_flight::InFlight;

/// Ends the request as complete, unless it has ended, and drops it.
#[inline(never)]
pub(crate) fn complete(slot: &mut Option<InFlight>) {
    if let Some(in_flight) = slot {
        in_flight.complete();
    }
    *slot = None;
}

/// A guard that records a panic if unwinding drops it. The panic continues.
///
/// It lies in the scope that may panic. `std::thread::panicking` in a `Drop` would not do: a
/// request that is dropped because of another panic was cancelled and did not panic itself.
pub(crate) struct PanicGuard<'a>(Option<&'a mut Option<InFlight>>);

impl<'a> PanicGuard<'a> {
    #[inline]
    pub(crate) fn new(in_flight: &'a mut Option<InFlight>) -> Self {
        Self(Some(in_flight))
    }

    #[inline]
    pub(crate) fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for PanicGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(Some(in_flight)) = self.0.as_mut().map(|slot| slot.as_mut()) {
            in_flight.panicked();
        }
    }
}
