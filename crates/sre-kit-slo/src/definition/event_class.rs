//! The classes of events: good, bad or excluded.

use super::indicator::Indicator;

/// The class of the events of one outcome in an SLO.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum EventClass {
    /// A good event.
    Good,
    /// A bad event.
    Bad,
    /// A good event up to the threshold of a latency SLO, a bad one above it.
    ByDuration,
    /// A bad event above the threshold, an excluded one with this reason up to it.
    BadIfSlow(String),
    /// An event that the SLO excludes, counted under this reason.
    Excluded(String),
    /// An event that the SLO neither includes nor counts.
    Ignored,
}

impl EventClass {
    /// Returns the reason under which events of this class may be excluded.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::BadIfSlow(reason) | Self::Excluded(reason) => Some(reason),
            _ => None,
        }
    }
}

/// The reason for requests that the client abandoned.
pub(super) const CLIENT_ABORT: &str = "client_abort";
/// The reason for failures in a latency SLO: they burn the budget of the availability SLO.
pub(super) const FAILED: &str = "failed";
/// The reason for streams in a latency SLO.
pub(super) const STREAM: &str = "stream";

/// Returns the default class of each outcome of the golden signals.
///
/// The names are values of the label `outcome`. This crate treats them as text and does not depend
/// on the type that defines them.
pub(super) fn default_classes(indicator: Indicator) -> Vec<(String, EventClass)> {
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
    rules.into_iter().map(|(outcome, class)| (outcome.to_owned(), class)).collect()
}
