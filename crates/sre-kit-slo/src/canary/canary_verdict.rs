//! The result of a comparison.

use std::fmt;

use super::evidence::Evidence;

/// The verdict of a [`CanaryGate`](super::CanaryGate) on one SLO.
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "a verdict has no effect unless the rollout acts on it"]
#[non_exhaustive]
pub enum CanaryVerdict {
    /// The canary burns significantly faster than the fleet: roll back.
    Worse(Evidence),
    /// The canary is not significantly worse, and there were enough events to detect it if it
    /// were: continue.
    AsGood(Evidence),
    /// There are too few events for a verdict: wait.
    TooFew {
        /// The number of events of the canary.
        events: u64,
        /// The number of events that a verdict needs, see
        /// [`CanaryGate::min_events`](super::CanaryGate::min_events).
        needed: u64,
    },
}

impl fmt::Display for CanaryVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Worse(evidence) => write!(f, "worse: {evidence}"),
            Self::AsGood(evidence) => write!(f, "as good: {evidence}"),
            Self::TooFew { events, needed } => {
                write!(f, "too few events to tell: {events} of {needed}")
            }
        }
    }
}
