//! What an adaptive limit may be told.

use std::time::Duration;

use crate::ConfigError;

/// Settings of a limit that follows the latency.
///
/// # How it works
///
/// Latencies are gathered in windows. After each, the mean of the window is held
/// against the *baseline*, the latency without a queue:
///
/// ```text
/// gradient = clamp(tolerance · baseline / window mean, 0.5, 1)
/// wanted   = limit · gradient + √limit
/// limit    = limit + smoothing · (wanted - limit), within min and max
/// ```
///
/// While the latency stays within `tolerance` of the baseline the gradient is 1
/// and the limit grows by a share of its square root, room for a burst. When
/// requests begin to queue inside the service the gradient falls below 1 and
/// the limit with it. It settles where both balance: on a service of `c` workers
/// at about `tolerance · c + √limit`.
///
/// The rule is `Gradient2Limit` of Netflix's concurrency-limits library, with the
/// `√limit` of its first `GradientLimit` and of Envoy's gradient controller as
/// headroom. The baseline is not Netflix's long average, which learns the
/// latency of an overload that lasts and then takes it for normal:
///
/// * It falls halfway to each window that was faster.
/// * It rises by a tenth of the difference after a window in which at most half
///   of the limit was used, because no queue of ours explains that latency.
/// * When neither can happen, because the limit is always in use, it is measured
///   anew: every `probe_interval`, give or take 15 %, the limit drops to `min`
///   until `min_samples` requests that were admitted under it have answered.
///   Envoy does the same for its `minRTT`. There the rest is refused at once; here
///   it waits in the queue for that moment, about `min_samples / min + 1` times
///   the latency.
///
/// # What is measured
///
/// The time from admission to the response *head*, without the wait in the queue.
/// Not to the end of the body: that measures how fast clients read, and one long
/// stream would outweigh a thousand requests. Answers of 500 and above, errors,
/// panics and requests given up before their head count only when they took
/// longer than the baseline: a fast failure must not raise the limit, and leaving
/// slow ones out would hide an overload in which everybody gives up.
///
/// A window in which at most half of the limit was used leaves the limit alone:
/// nothing was learned about a larger one.
///
/// # What it takes for granted
///
/// That latency is flat until the service is full, and that the mix of cheap and
/// dear requests is about the same from window to window. If a batch job sends
/// nothing but the dearest route, that looks like a queue. Exempt it, weigh it or
/// use a fixed limit.
#[derive(Clone, Debug)]
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
    /// The limit to begin with. 20 unless set, as in Netflix's library.
    pub fn initial(mut self, limit: u32) -> Self {
        self.initial = limit;
        self
    }

    /// The least the limit may be, and what it is while the baseline is measured.
    /// 4 unless set.
    pub fn min(mut self, limit: u32) -> Self {
        self.min = limit;
        self
    }

    /// The most the limit may be. 1 000 unless set.
    pub fn max(mut self, limit: u32) -> Self {
        self.max = limit;
        self
    }

    /// How many times the baseline counts as no queue yet. 1.5 unless set, as in
    /// Netflix's library; more for latencies that vary much by themselves.
    pub fn tolerance(mut self, factor: f64) -> Self {
        self.tolerance = factor;
        self
    }

    /// Which share of the way to the wanted limit one window goes. 0.2 unless
    /// set, as in Netflix's library.
    pub fn smoothing(mut self, share: f64) -> Self {
        self.smoothing = share;
        self
    }

    /// How long latencies are gathered before the limit moves. 500 ms unless set;
    /// longer when there are fewer than `min_samples`.
    pub fn window(mut self, length: Duration) -> Self {
        self.window = length;
        self
    }

    /// How many latencies a window has at least. 10 unless set.
    pub fn min_samples(mut self, count: u32) -> Self {
        self.min_samples = count;
        self
    }

    /// How often the baseline is measured anew on a service that is always at its
    /// limit. One minute unless set, as in Envoy.
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
        // Written so that NaN is refused too.
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
            // An hour for the window would be as useless, but no mistake to protect from.
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
