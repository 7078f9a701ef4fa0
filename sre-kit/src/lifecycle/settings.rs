//! The settings of a lifecycle.

use std::time::Duration;

use super::drain_readiness::DrainReadiness;
use crate::ConfigError;

/// The time that a grace period must hold beyond the three bounds: for tasks, pools and listeners
/// that end after the drain's time is used up, and for the exit of the process.
const SLACK: Duration = Duration::from_secs(2);

/// The longest allowed bound. A longer one is a typing error.
const DAY: Duration = Duration::from_hours(24);

/// The settings of a lifecycle.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) drain_delay: Duration,
    pub(super) drain_timeout: Duration,
    pub(super) flush_timeout: Duration,
    pub(super) grace_period: Option<Duration>,
    pub(super) readiness: DrainReadiness,
    pub(super) cut_short_code: u8,
    pub(super) telemetry_lost_code: u8,
    pub(super) second_signal_code: u8,
    pub(super) signals: bool,
    /// `None` means as `signals`.
    pub(super) watchdog: Option<bool>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            drain_delay: Duration::from_secs(10),
            drain_timeout: Duration::from_secs(15),
            flush_timeout: Duration::from_secs(3),
            grace_period: None,
            readiness: DrainReadiness::Immediate,
            cut_short_code: 80,
            telemetry_lost_code: 0,
            second_signal_code: 81,
            signals: true,
            watchdog: None,
        }
    }
}

impl Settings {
    /// Returns the sum of the three bounds.
    pub(super) fn bounds(&self) -> Duration {
        self.drain_delay + self.drain_timeout + self.flush_timeout
    }

    /// Returns whether a thread watches the shutdown.
    pub(super) fn has_watchdog(&self) -> bool {
        self.watchdog.unwrap_or(self.signals)
    }

    /// Checks the bounds, their sum and the exit codes.
    ///
    /// # Errors
    ///
    /// Returns an error that names the first setting that is refused.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        for (field, value, zero_allowed) in [
            ("lifecycle.drain_delay", self.drain_delay, true),
            ("lifecycle.drain_timeout", self.drain_timeout, false),
            ("lifecycle.flush_timeout", self.flush_timeout, false),
        ] {
            if value > DAY || (value.is_zero() && !zero_allowed) {
                return Err(ConfigError::new(
                    field,
                    value,
                    if zero_allowed {
                        "it must be at most a day"
                    } else {
                        "it must be longer than zero and at most a day"
                    },
                    "leave it out to have the default",
                ));
            }
        }
        let needed = self.bounds() + SLACK;
        if let Some(period) = self.grace_period
            && period < needed
        {
            let Self { drain_delay, drain_timeout, flush_timeout, .. } = self;
            return Err(ConfigError::new(
                "lifecycle.grace_period",
                period,
                format!(
                    "drain_delay {drain_delay:?}, drain_timeout {drain_timeout:?}, flush_timeout \
                     {flush_timeout:?} and {SLACK:?} to exit make {needed:?}"
                ),
                format!("grant at least {needed:?}, or shorten the drain"),
            ));
        }
        let codes = (self.cut_short_code, self.second_signal_code);
        if codes.0 == 0 || codes.1 == 0 || codes.0 == codes.1 {
            return Err(ConfigError::new(
                "lifecycle exit codes",
                codes,
                "a clean exit has 0, and the other two must differ from it and from each other",
                "leave them out to have 80 and 81",
            ));
        }
        Ok(())
    }
}
