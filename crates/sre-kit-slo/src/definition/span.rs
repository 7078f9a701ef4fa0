//! Lengths of time, as Prometheus prints them.

use std::fmt;
use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A stretch of time up to now: whole seconds, at least one.
///
/// Prints as a Prometheus duration in the largest unit that divides it.
///
/// ```
/// use std::time::Duration;
/// use sre_kit_slo::Window;
///
/// assert_eq!(Window::minutes(5).to_string(), "5m");
/// assert_eq!(Window::hours(24).to_string(), "1d");
/// assert_eq!(Window::from(Duration::from_secs(5400)).to_string(), "90m");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window(Duration);

impl Window {
    /// So many seconds.
    pub const fn seconds(n: u32) -> Self {
        Self(Duration::from_secs(n as u64))
    }

    /// So many minutes.
    pub const fn minutes(n: u32) -> Self {
        Self(Duration::from_secs(n as u64 * MINUTE))
    }

    /// So many hours.
    pub const fn hours(n: u32) -> Self {
        Self(Duration::from_secs(n as u64 * HOUR))
    }

    /// So many days of 24 hours.
    pub const fn days(n: u32) -> Self {
        Self(Duration::from_secs(n as u64 * DAY))
    }

    /// Its length.
    pub const fn as_duration(self) -> Duration {
        self.0
    }

    /// Its length in whole seconds.
    pub const fn as_secs(self) -> u64 {
        self.0.as_secs()
    }
}

impl From<Duration> for Window {
    fn from(length: Duration) -> Self {
        Self(length)
    }
}

impl From<Period> for Window {
    fn from(period: Period) -> Self {
        Self(period.0)
    }
}

/// The time over which an objective holds: rolling, of whole minutes, from an
/// hour to 400 days.
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
    /// The shortest period there is.
    pub(crate) const SHORTEST: Self = Self::hours(1);
    /// The longest period there is.
    pub(crate) const LONGEST: Self = Self::days(400);

    /// So many days of 24 hours. 28 keeps the same number of weekends in every period.
    pub const fn days(n: u32) -> Self {
        Self(Duration::from_secs(n as u64 * DAY))
    }

    /// So many hours.
    pub const fn hours(n: u32) -> Self {
        Self(Duration::from_secs(n as u64 * HOUR))
    }

    /// Its length.
    pub const fn as_duration(self) -> Duration {
        self.0
    }

    /// Its length in whole seconds.
    pub const fn as_secs(self) -> u64 {
        self.0.as_secs()
    }
}

impl Default for Period {
    /// 30 days.
    fn default() -> Self {
        Self::days(30)
    }
}

impl From<Duration> for Period {
    fn from(length: Duration) -> Self {
        Self(length)
    }
}

fn print(length: Duration, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let seconds = length.as_secs();
    if length.subsec_nanos() != 0 {
        // No valid window; printed in the error that says so.
        return write!(f, "{length:?}");
    }
    let (unit, name) = [(DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (1, "s")]
        .into_iter()
        .find(|(unit, _)| seconds.is_multiple_of(*unit) && seconds >= *unit)
        .unwrap_or((1, "s"));
    write!(f, "{}{name}", seconds / unit)
}

macro_rules! prints {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                print(self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                print(self.0, f)
            }
        }
    )*};
}

prints!(Window, Period);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Period, Window};

    #[test]
    fn prints_in_the_largest_unit_that_divides() {
        for (seconds, text) in [
            (0, "0s"),
            (1, "1s"),
            (90, "90s"),
            (300, "5m"),
            (1_800, "30m"),
            (3_600, "1h"),
            (5_400, "90m"),
            (86_400, "1d"),
            (90_000, "25h"),
            (604_800, "7d"),
        ] {
            let length = Duration::from_secs(seconds);
            assert_eq!(Window::from(length).to_string(), text);
            assert_eq!(Period::from(length).to_string(), text);
        }
        assert_eq!(Window::from(Duration::from_millis(1_500)).to_string(), "1.5s");
    }
}
