//! Which events are good, bad, or none of the objective's business.

use std::time::Duration;

/// What an SLO measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Indicator {
    /// The share of requests that were answered without a fault of the service.
    Availability,
    /// The share of requests that were answered within a threshold.
    Latency {
        /// The longest duration that is good.
        threshold: Duration,
        /// Where the duration ends.
        until: LatencyEnd,
    },
    /// The share of events that the caller counts as good.
    Ratio,
}

impl Indicator {
    /// `availability`, `latency` or `ratio`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Availability => "availability",
            Self::Latency { .. } => "latency",
            Self::Ratio => "ratio",
        }
    }
}

/// Where the duration of a latency SLO ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LatencyEnd {
    /// At the end of the response body: what the user waits for.
    #[default]
    Body,
    /// At the response head, for responses whose length is the client's doing.
    Headers,
}

/// What one outcome counts as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventClass {
    /// A good event.
    Good,
    /// A bad event.
    Bad,
    /// Good up to the threshold, bad above it.
    ByDuration,
    /// Bad above the threshold; excluded, with this reason, up to it.
    BadIfSlow(String),
    /// No event of this SLO, counted under this reason.
    Excluded(String),
    /// No event of this SLO and not counted.
    Ignored,
}

impl EventClass {
    /// The reason under which it may be excluded.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::BadIfSlow(reason) | Self::Excluded(reason) => Some(reason),
            _ => None,
        }
    }
}

/// The reason of what a client gave up.
pub(super) const CLIENT_ABORT: &str = "client_abort";
/// The reason of failures in a latency SLO, which burn the availability's budget.
pub(super) const FAILED: &str = "failed";
/// The reason of streams in a latency SLO.
pub(super) const STREAM: &str = "stream";

/// What the outcomes of the golden signals count as unless said otherwise.
///
/// The names are those of the label `outcome`; this folder knows them as text only.
pub(super) fn by_default(indicator: Indicator) -> Vec<(String, EventClass)> {
    let abort = || EventClass::Excluded(CLIENT_ABORT.to_owned());
    let failed = || EventClass::Excluded(FAILED.to_owned());
    let slow_abort = || EventClass::BadIfSlow(CLIENT_ABORT.to_owned());
    let rules = match indicator {
        Indicator::Ratio => vec![],
        Indicator::Availability => vec![
            ("ok", EventClass::Good),
            ("client_error", EventClass::Good),
            ("error", EventClass::Bad),
            ("service_error", EventClass::Bad),
            ("timeout", EventClass::Bad),
            ("shed", EventClass::Bad),
            ("panic", EventClass::Bad),
            ("aborted_before_headers", abort()),
            ("aborted_mid_body", abort()),
        ],
        Indicator::Latency { .. } => vec![
            ("ok", EventClass::ByDuration),
            ("client_error", EventClass::ByDuration),
            ("error", failed()),
            ("service_error", failed()),
            ("timeout", EventClass::Bad),
            ("shed", failed()),
            ("panic", failed()),
            ("aborted_before_headers", slow_abort()),
            ("aborted_mid_body", slow_abort()),
        ],
    };
    rules.into_iter().map(|(outcome, count)| (outcome.to_owned(), count)).collect()
}
