//! The period of an objective.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::prometheus_duration;
use sre_kit_core::ConfigError;

const HOUR: u64 = 3_600;
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
/// assert_eq!("4w".parse::<Period>()?, Period::days(28));
/// # Ok::<(), sre_kit_slo::ConfigError>(())
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

impl FromStr for Period {
    type Err = ConfigError;

    /// Parses a whole number and one of the units `s`, `m`, `h`, `d` and `w`, such as `30d`.
    ///
    /// # Errors
    ///
    /// Returns an error if the text has another form.
    fn from_str(text: &str) -> Result<Self, ConfigError> {
        prometheus_duration::parse(text).map(Self).ok_or_else(|| {
            ConfigError::new(
                "slo.period",
                text,
                "a period is a whole number and one of the units s, m, h, d and w",
                "write it like `30d`",
            )
        })
    }
}

impl fmt::Display for Period {
    /// Writes a Prometheus duration in the largest unit that divides the period, such as `28d`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        prometheus_duration::write(self.0, f)
    }
}

impl fmt::Debug for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        prometheus_duration::write(self.0, f)
    }
}
