//! What an SLO measures.

use std::time::Duration;

/// The service level indicator: what an SLO measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Indicator {
    /// The share of requests that the service answered without a fault of its own.
    Availability,
    /// The share of requests that the service answered within a threshold.
    Latency {
        /// The longest duration of a good request.
        threshold: Duration,
        /// The moment at which the duration ends.
        until: LatencyEnd,
    },
    /// The share of events that the application records as good.
    Ratio,
}

impl Indicator {
    /// Returns `availability`, `latency` or `ratio`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Availability => "availability",
            Self::Latency { .. } => "latency",
            Self::Ratio => "ratio",
        }
    }
}

/// The moment at which the duration of a latency SLO ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LatencyEnd {
    /// The end of the response body, which is what a user waits for.
    #[default]
    Body,
    /// The response head, for bodies whose duration depends on the client.
    Headers,
}
