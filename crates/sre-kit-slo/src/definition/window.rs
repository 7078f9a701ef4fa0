//! The windows of burn rates.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::period::Period;
use super::prometheus_duration;
use sre_kit_core::ConfigError;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A sliding window that ends now: whole seconds, at least one.
///
/// [`Display`](fmt::Display) writes a Prometheus duration in the largest unit that divides the
/// window.
///
/// ```
/// use std::time::Duration;
/// use sre_kit_slo::Window;
///
/// assert_eq!(Window::minutes(5).to_string(), "5m");
/// assert_eq!(Window::hours(24).to_string(), "1d");
/// assert_eq!(Window::from(Duration::from_secs(5400)).to_string(), "90m");
/// assert_eq!("6h".parse::<Window>()?, Window::hours(6));
/// # Ok::<(), sre_kit_slo::ConfigError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window(Duration);

impl Window {
    /// Returns a window of `n` seconds.
    pub const fn seconds(n: u32) -> Self {
        Self(Duration::from_secs(n as u64))
    }

    /// Returns a window of `n` minutes.
    pub const fn minutes(n: u32) -> Self {
        Self(Duration::from_secs(n as u64 * MINUTE))
    }

    /// Returns a window of `n` hours.
    pub const fn hours(n: u32) -> Self {
        Self(Duration::from_secs(n as u64 * HOUR))
    }

    /// Returns a window of `n` days of 24 hours.
    pub const fn days(n: u32) -> Self {
        Self(Duration::from_secs(n as u64 * DAY))
    }

    /// Returns the length of the window.
    pub const fn as_duration(self) -> Duration {
        self.0
    }

    /// Returns the length of the window in whole seconds.
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
        Self(period.as_duration())
    }
}

impl FromStr for Window {
    type Err = ConfigError;

    /// Parses a whole number and one of the units `s`, `m`, `h`, `d` and `w`, such as `5m`.
    ///
    /// # Errors
    ///
    /// Returns an error if the text has another form.
    fn from_str(text: &str) -> Result<Self, ConfigError> {
        prometheus_duration::parse(text).map(Self).ok_or_else(|| {
            ConfigError::new(
                "slo.window",
                text,
                "a window is a whole number and one of the units s, m, h, d and w",
                "write it like `5m`",
            )
        })
    }
}

impl fmt::Display for Window {
    /// Writes a Prometheus duration in the largest unit that divides the window, such as `5m`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        prometheus_duration::write(self.0, f)
    }
}

impl fmt::Debug for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        prometheus_duration::write(self.0, f)
    }
}

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
