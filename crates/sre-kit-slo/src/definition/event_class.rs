//! The classes of events: good, bad or excluded.

use super::event_source::EventSource;
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
/// The reason for calls and work that this service gave up.
const CANCELED: &str = "canceled";

/// Returns the default class of each outcome.
///
/// The names are values of the label `outcome`. This crate treats them as text and does not depend
/// on the types that define them.
pub(super) fn default_classes(
    indicator: Indicator,
    source: &EventSource,
) -> Vec<(String, EventClass)> {
    let rules = match (indicator, source) {
        (Indicator::Ratio, _) => vec![],
        (_, EventSource::Requests) => of_requests(indicator),
        (_, source) => of_calls_and_work(indicator, source),
    };
    rules.into_iter().map(|(outcome, class)| (outcome.to_owned(), class)).collect()
}

/// Returns the class of a success, of a failure, and of what was given up.
fn of_indicator(indicator: Indicator, given_up: &str) -> [EventClass; 3] {
    match indicator {
        Indicator::Latency { .. } => [
            EventClass::ByDuration,
            EventClass::Excluded(FAILED.to_owned()),
            EventClass::BadIfSlow(given_up.to_owned()),
        ],
        _ => [EventClass::Good, EventClass::Bad, EventClass::Excluded(given_up.to_owned())],
    }
}

/// Returns the rules for the outcomes of the golden signals.
fn of_requests(indicator: Indicator) -> Vec<(&'static str, EventClass)> {
    let [success, failure, abort] = of_indicator(indicator, CLIENT_ABORT);
    vec![
        ("ok", success.clone()),
        ("client_error", success),
        ("error", failure.clone()),
        ("service_error", failure.clone()),
        ("timeout", EventClass::Bad),
        ("shed", failure.clone()),
        ("panic", failure),
        ("aborted_before_headers", abort.clone()),
        ("aborted_mid_body", abort),
    ]
}

/// Returns the rules for the outcomes of calls and of units of work.
fn of_calls_and_work(
    indicator: Indicator,
    source: &EventSource,
) -> Vec<(&'static str, EventClass)> {
    let [success, failure, canceled] = of_indicator(indicator, CANCELED);
    let own_fault = |outcome: &str| EventClass::Excluded(outcome.to_owned());
    let mut rules = vec![
        ("ok", success.clone()),
        ("error", failure.clone()),
        ("timeout", EventClass::Bad),
        ("shed", own_fault("shed")),
        ("canceled", canceled),
    ];
    if let EventSource::Work(_) = source {
        rules.push(("panic", failure));
    } else {
        rules.push(("client_error", success));
        rules.push(("no_response", failure));
        rules.push(("panic", own_fault("panic")));
    }
    rules
}
