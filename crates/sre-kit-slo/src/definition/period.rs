//! The period of an objective.

use std::fmt;
use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The rolling period over which an objective holds: whole minutes, from one hour to 400 days.
///
/// [`Slos::new`](crate::Slos::new) checks the limits.
///
/// ```
/// use sre_kit_slo::Period;
///
/// assert_eq!(Period::default(), Period::days(30));
/// assert_eq!(Period::days(28).to_string(), "28d");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period(Duration);

impl Period {
    /// The shortest valid period.
    pub(crate) const SHORTEST: Self = Self::hours(1);
    /// The longest valid period.
    pub(crate) const LONGEST: Self = Self::days(400);

    /// Returns a period of `n` days of 24 hours. 28 days hold the same number of weekends in
    /// every period.
    pub const fn days(n: u32) -> Self {
        Self(Duration::from_secs(n as u64 * DAY))
    }

    /// Returns a period of `n` hours.
    pub const fn hours(n: u32) -> Self {
        Self(Duration::from_secs(n as u64 * HOUR))
    }

    /// Returns the length of the period.
    pub const fn as_duration(self) -> Duration {
        self.0
    }

    /// Returns the length of the period in whole seconds.
    pub const fn as_secs(self) -> u64 {
        self.0.as_secs()
    }
}

impl Default for Period {
    /// Returns 30 days.
    fn default() -> Self {
        Self::days(30)
    }
}

impl From<Duration> for Period {
    fn from(length: Duration) -> Self {
        Self(length)
    }
}

impl fmt::Display for Period {
    /// Writes a Prometheus duration in the largest unit that divides the period, such as `28d`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_prometheus(self.0, f)
    }
}

impl fmt::Debug for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_prometheus(self.0, f)
    }
}

/// Writes a Prometheus duration in the largest unit that divides `length`.
pub(super) fn fmt_prometheus(length: Duration, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let seconds = length.as_secs();
    if length.subsec_nanos() != 0 {
        // No valid window or period has fractions of a second. The error that says so prints it.
        return write!(f, "{length:?}");
    }
    let (unit, name) = [(DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (1, "s")]
        .into_iter()
        .find(|(unit, _)| seconds % *unit == 0 && seconds >= *unit)
        .unwrap_or((1, "s"));
    write!(f, "{}{name}", seconds / unit)
}
