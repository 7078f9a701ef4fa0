//! What an admitted request holds.

use std::fmt;

use super::gate::GateRef;
use sre_kit_core::internal::Reading;

/// The right to be at work. It is given back when it is dropped.
///
/// Comes from [`Admission::try_admit`](super::Admission::try_admit), for work
/// that is not an HTTP request: a consumer of messages, a job.
pub struct Permit {
    gate: GateRef,
    weight: u32,
    /// Units in use when this was admitted, with its own.
    in_use: u64,
    /// Only where the limit learns from latencies.
    started: Option<Reading>,
}

impl Permit {
    #[inline]
    pub(crate) fn new(gate: GateRef, weight: u32, in_use: u64) -> Self {
        Self { gate, weight, in_use, started: None }
    }

    /// How many units of the limit it holds.
    pub fn weight(&self) -> u32 {
        self.weight
    }

    /// Begins the latency that an adaptive limit learns from.
    #[inline]
    pub(crate) fn start(&mut self) {
        if let Some(controller) = &self.gate.gate().controller {
            self.started = Some(controller.now());
        }
    }

    /// There is a response head; `good` if it says that the work was done.
    #[inline]
    pub(crate) fn head(&mut self, good: bool) {
        if let Some(started) = self.started.take() {
            self.learn(started, good);
        }
    }

    fn learn(&self, started: Reading, good: bool) {
        let Some(controller) = &self.gate.gate().controller else { return };
        let gate = self.gate.gate();
        if controller.record(started, self.in_use, good, |limit| gate.set_limit(limit)) {
            self.gate.dispatch();
        }
    }

    /// Gives the units back and leaves it to the caller to hand them on.
    pub(crate) fn give_back(mut self) {
        self.release();
    }

    /// True if somebody waits for them.
    #[inline]
    fn release(&mut self) -> bool {
        self.gate.gate().put_back(std::mem::take(&mut self.weight))
    }
}

impl Drop for Permit {
    #[inline]
    fn drop(&mut self) {
        if self.weight == 0 {
            return;
        }
        if let Some(started) = self.started.take() {
            // No head came: cancelled, failed or panicked.
            self.learn(started, false);
        }
        if self.release() {
            self.gate.dispatch();
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("weight", &self.weight).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use crate::admission::{Admission, Limit};
    use crate::metrics::Registry;

    #[test]
    fn units_that_are_given_back_are_free_once() {
        let builder = Admission::builder().limit(Limit::fixed(3));
        let admission = builder.build(&Registry::new()).expect("valid");
        let (one, two) = (admission.try_admit(1), admission.try_admit(2));
        one.expect("free").give_back();
        assert_eq!(admission.in_flight(), 2, "and its drop gives nothing more");
        drop(two);
        assert_eq!(admission.in_flight(), 0);
    }
}
