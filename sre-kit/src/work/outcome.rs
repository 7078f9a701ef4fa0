//! The outcome of a unit of work.

use std::fmt;

/// The outcome of a unit of work.
///
/// Every unit ends in exactly one outcome. The outcomes are the values of the label `outcome` of
/// `work_units_total`, and `started = sum of outcomes + in flight` holds in every scrape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum WorkOutcome {
    /// The unit succeeded.
    Ok,
    /// The unit returned an error.
    Error,
    /// The unit took too long: its error is an `Elapsed` of tokio or `tower`.
    Timeout,
    /// The unit was refused to protect the service: its error is `tower`'s `Overloaded`.
    Shed,
    /// The future of the unit was dropped before it was ready.
    Canceled,
    /// The unit panicked. The panic is counted and continues to unwind.
    Panic,
}

impl WorkOutcome {
    /// All outcomes, in the order of the metric.
    pub const ALL: [Self; 6] =
        [Self::Ok, Self::Error, Self::Timeout, Self::Shed, Self::Canceled, Self::Panic];

    /// The values of the label `outcome`, in the order of [`ALL`](Self::ALL).
    pub(crate) const NAMES: [&'static str; 6] =
        ["ok", "error", "timeout", "shed", "canceled", "panic"];

    /// Returns the value of the label `outcome`.
    pub const fn as_str(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// Returns the value of the label `error_type`, which is empty for a success.
    pub(super) const fn error_type(self) -> &'static str {
        match self {
            Self::Ok => "",
            Self::Error => "_OTHER",
            other => other.as_str(),
        }
    }
}

impl fmt::Display for WorkOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
