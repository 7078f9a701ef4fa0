//! Where the events of an SLO come from.

use std::fmt;

/// The events that an SLO counts.
///
/// [`Display`](fmt::Display) writes `requests`, `calls payments` or `work import`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventSource {
    /// The requests that the service answers, or the events that the application records.
    #[default]
    Requests,
    /// The calls to the peer of this name.
    Calls(String),
    /// The units of work of this name.
    Work(String),
}

impl fmt::Display for EventSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requests => f.write_str("requests"),
            Self::Calls(peer) => write!(f, "calls {peer}"),
            Self::Work(unit) => write!(f, "work {unit}"),
        }
    }
}
