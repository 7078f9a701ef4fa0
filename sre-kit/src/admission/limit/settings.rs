//! The settings of an adaptive limit.

use std::time::Duration;

use crate::ConfigError;

/// The settings of an adaptive limit, which follows the latency.
///
/// # How it works
///
/// The limit collects latencies in windows. After each window it compares the mean of the window to
/// the *baseline*, which is the latency without a queue:
///
/// ```text
/// gradient = clamp(tolerance · baseline / window mean, 0.5, 1)
/// wanted   = limit · gradient + √limit
/// limit    = limit + smoothing · (wanted - limit), within min and max
/// ```
///
/// While the latency stays within `tolerance` of the baseline, the gradient is 1 and the limit
/// grows by a share of its square root, which leaves room for a burst. When requests begin to queue
/// inside the service, the gradient falls below 1 and the limit falls with it. The limit settles
/// where both balance: for a service of `c` workers at about `tolerance · c + √limit`.
///
/// The rule is `Gradient2Limit` of Netflix's concurrency-limits library, with the headroom `√limit`
/// of its first `GradientLimit` and of Envoy's gradient controller. The baseline is not Netflix's
/// long average, which adopts the latency of a lasting overload as normal:
///
/// * It falls halfway to each window that was faster.
/// * It rises by a tenth of the difference after a window in which at most half of the limit was in
///   use, because such a latency is not caused by a queue inside the service.
/// * If neither can happen because the limit is always in use, it is measured again: every
///   `probe_interval` ± 15 % the limit drops to `min` until `min_samples` requests that were
///   admitted under it have completed. Envoy does the same for its `minRTT` and refuses the other
///   requests. Here they wait in the queue, for about `min_samples / min + 1` times the latency.
/// * It is also measured again as soon as the limit has fallen by a fifth and the latency has not
///   fallen with it. By Little's law the latency of a full queue is proportional to the limit, so a
///   latency that stays is that of the work itself: a database has become slower, for example.
///   Without this, the limit would fall below the number of workers and stay there until the next
///   probe.
///
/// # What is measured
///
/// The latency is the time from admission to the response *head*, without the wait in the queue. It
/// does not include the body, because that depends on how fast clients read, and one long stream
/// would outweigh a thousand requests. Responses with a status of 500 and above, errors, panics and
/// requests that are dropped before their head count only if they took longer than the baseline. A
/// fast failure must not raise the limit, and without the slow ones an overload in which all
/// clients give up would stay hidden.
///
/// A window in which at most half of the limit was in use does not change the limit, because it
/// says nothing about a higher one.
///
/// # Assumptions
///
/// The latency is constant until the service is full, and the mix of cheap and expensive requests
/// is about the same from window to window. A batch job that only calls the most expensive route
/// looks like a queue: exempt it, give it a weight, or use a fixed limit.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct GradientSettings {
    pub(crate) initial: u32,
    pub(crate) min: u32,
    pub(crate) max: u32,
    pub(crate) tolerance: f64,
    pub(crate) smoothing: f64,
    pub(crate) window: Duration,
    pub(crate) min_samples: u32,
    pub(crate) probe_interval: Duration,
}

impl Default for GradientSettings {
    fn default() -> Self {
        Self {
            initial: 20,
            min: 4,
            max: 1_000,
            tolerance: 1.5,
            smoothing: 0.2,
            window: Duration::from_millis(500),
            min_samples: 10,
            probe_interval: Duration::from_mins(1),
        }
    }
}

impl GradientSettings {
    /// Sets the initial limit. Defaults to 20, as in Netflix's library.
    pub fn initial(mut self, limit: u32) -> Self {
        self.initial = limit;
        self
    }

    /// Sets the lowest limit, which is also the limit while the baseline is measured.
    /// Defaults to 4.
    pub fn min(mut self, limit: u32) -> Self {
        self.min = limit;
        self
    }

    /// Sets the highest limit. Defaults to 1 000.
    pub fn max(mut self, limit: u32) -> Self {
        self.max = limit;
        self
    }

    /// Sets the multiple of the baseline up to which a latency does not indicate a queue. Defaults
    /// to 1.5, as in Netflix's library. Use a higher factor for latencies that vary much by
    /// themselves.
    pub fn tolerance(mut self, factor: f64) -> Self {
        self.tolerance = factor;
        self
    }

    /// Sets the share of the difference to the wanted limit that one window applies. Defaults to
    /// 0.2, as in Netflix's library.
    pub fn smoothing(mut self, share: f64) -> Self {
        self.smoothing = share;
        self
    }

    /// Sets the length of a window. Defaults to 500 ms. A window with fewer than `min_samples`
    /// latencies lasts longer.
    pub fn window(mut self, length: Duration) -> Self {
        self.window = length;
        self
    }

    /// Sets the lowest number of latencies in a window. Defaults to 10.
    pub fn min_samples(mut self, count: u32) -> Self {
        self.min_samples = count;
        self
    }

    /// Sets how often the baseline of a service that is always at its limit is measured again.
    /// Defaults to one minute, as in Envoy.
    pub fn probe_interval(mut self, interval: Duration) -> Self {
        self.probe_interval = interval;
        self
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if self.min == 0 {
            return Err(ConfigError::new(
                "gradient.min",
                self.min,
                "at least one request may be under way, or nothing could be measured",
                "set it to 1 or more",
            ));
        }
        if self.min > self.max {
            return Err(ConfigError::new(
                "gradient.min",
                self.min,
                format!("it is not above gradient.max, which is {}", self.max),
                "swap the two, or set both to the same for a fixed limit",
            ));
        }
        if !(self.min..=self.max).contains(&self.initial) {
            return Err(ConfigError::new(
                "gradient.initial",
                self.initial,
                format!(
                    "the limit lies between gradient.min, {}, and gradient.max, {}",
                    self.min, self.max
                ),
                "begin somewhere in between",
            ));
        }
        // In this form the condition is also false for NaN.
        if !(self.tolerance >= 1.0 && self.tolerance <= 10.0) {
            return Err(ConfigError::new(
                "gradient.tolerance",
                self.tolerance,
                "it is a factor between 1 and 10",
                "1.5 lets latency grow by half before the limit shrinks",
            ));
        }
        if !(self.smoothing > 0.0 && self.smoothing <= 1.0) {
            return Err(ConfigError::new(
                "gradient.smoothing",
                self.smoothing,
                "it is a share above 0 and up to 1",
                "0.2 goes a fifth of the way per window",
            ));
        }
        if self.min_samples == 0 {
            return Err(ConfigError::new(
                "gradient.min_samples",
                self.min_samples,
                "a mean needs at least one latency",
                "10 keeps one slow request from moving the limit",
            ));
        }
        for (field, length) in
            [("gradient.window", self.window), ("gradient.probe_interval", self.probe_interval)]
        {
            if length.is_zero() || length > Duration::from_hours(24) {
                return Err(ConfigError::new(
                    field,
                    length,
                    "it is longer than nothing and at most a day",
                    "leave it out to have the default",
                ));
            }
        }
        Ok(())
    }
}
