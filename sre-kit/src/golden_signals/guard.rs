//! How a request that lies in a future or a body is let go of.

use super::in_flight::InFlight;

/// Counts the request as complete, unless it has ended, and lets it go.
#[inline(never)]
pub(crate) fn complete(slot: &mut Option<InFlight>) {
    if let Some(in_flight) = slot {
        in_flight.complete();
    }
    *slot = None;
}

/// Counts a panic if it is dropped by one, and lets it pass.
///
/// A guard in the scope that may panic, and not `std::thread::panicking` in
/// `Drop`: a request that is dropped because of somebody else's panic was
/// cancelled and did not panic.
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
