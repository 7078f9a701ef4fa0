//! The rule of an adaptive limit. It reads no clock: the caller passes the time.

use super::settings::GradientSettings;

/// The share of the difference by which the baseline falls to a faster window.
const FALL_SHARE: f64 = 0.5;

/// The share of the difference by which the baseline rises to a slower window without a full limit.
const RISE_SHARE: f64 = 0.1;

/// The share of the limit that a fall has to leave before its effect on the latency is checked.
const FALL_STEP: f64 = 0.8;

/// The longest probe, in windows.
const MAX_PROBE_WINDOWS: u64 = 8;

/// One latency.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// The end of the latency, in nanoseconds since a fixed time.
    pub(crate) now: u64,
    pub(crate) nanos: u64,
    /// The units in use when the request was admitted, including its own.
    pub(crate) in_use: u64,
    /// Whether the work was done. A failure counts only if it was slow.
    pub(crate) good: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Window {
    began: u64,
    sum: f64,
    count: u32,
    peak: u64,
}

impl Window {
    fn begin(now: u64) -> Self {
        Self { began: now, ..Self::default() }
    }

    fn add(&mut self, sample: Sample) {
        self.sum += sample.nanos as f64;
        self.count = self.count.saturating_add(1);
        self.peak = self.peak.max(sample.in_use);
    }

    /// Returns the mean, at least 1 so that it can be divided by.
    fn mean(&self) -> f64 {
        (self.sum / f64::from(self.count.max(1))).max(1.0)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Steady,
    /// The limit is at its minimum, to measure the latency without a queue.
    Probing,
}

/// The state of an adaptive limit.
#[derive(Debug)]
pub(crate) struct Gradient {
    settings: GradientSettings,
    phase: Phase,
    window: Window,
    limit: f64,
    baseline: Option<f64>,
    probe_at: Option<u64>,
    probes: u64,
    factor: f64,
    mean: Option<f64>,
    /// Where the present fall of the limit is measured from.
    fall: Option<Fall>,
    jitter: u64,
}

/// A limit and the mean latency under it.
#[derive(Clone, Copy, Debug)]
struct Fall {
    limit: f64,
    mean: f64,
}

/// The values that the metrics of an adaptive limit export.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Internals {
    pub(crate) gradient: f64,
    pub(crate) baseline: Option<f64>,
    pub(crate) mean: Option<f64>,
    pub(crate) probes: u64,
}

impl Gradient {
    /// Creates the state. `seed` spreads the probes of many instances over time.
    pub(crate) fn new(settings: GradientSettings, seed: u64) -> Self {
        Self {
            phase: Phase::Steady,
            window: Window::default(),
            limit: f64::from(settings.initial),
            baseline: None,
            probe_at: None,
            probes: 0,
            factor: 1.0,
            mean: None,
            fall: None,
            jitter: seed | 1,
            settings,
        }
    }

    pub(crate) fn internals(&self) -> Internals {
        let Self { factor, baseline, mean, probes, .. } = *self;
        Internals { gradient: factor, baseline, mean, probes }
    }

    /// Returns the limit as an integer.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // within min and max
    fn limit(&self) -> u32 {
        (self.limit as u32).clamp(self.settings.min, self.settings.max)
    }

    /// Returns the time until which good latencies may be summed, in nanoseconds. The caller passes
    /// the sums to [`add`](Self::add) before it [records](Self::record) the first latency after
    /// that time. Returns 0 while each latency has to be recorded by itself.
    pub(crate) fn next_update(&self) -> u64 {
        match (self.phase, self.probe_at) {
            (Phase::Steady, Some(_)) => {
                self.window.began.saturating_add(nanos(self.settings.window))
            }
            _ => 0,
        }
    }

    /// Adds sums of good latencies. Ignores them during a probe, because they were measured before
    /// it and say nothing about a service without a queue.
    pub(crate) fn add(&mut self, sum: f64, count: u32, peak: u64) {
        if self.phase == Phase::Steady {
            self.window.sum += sum;
            self.window.count = self.window.count.saturating_add(count);
            self.window.peak = self.window.peak.max(peak);
        }
    }

    /// Records a latency. Returns the limit if it changes.
    pub(crate) fn record(&mut self, sample: Sample) -> Option<u32> {
        if !sample.good && self.baseline.is_none_or(|baseline| (sample.nanos as f64) < baseline) {
            return None;
        }
        if self.probe_at.is_none() {
            self.window = Window::begin(sample.now.saturating_sub(sample.nanos));
            self.plan_probe(sample.now);
        }
        match self.phase {
            Phase::Steady => self.steady(sample),
            Phase::Probing => self.probing(sample),
        }
    }

    fn steady(&mut self, sample: Sample) -> Option<u32> {
        self.window.add(sample);
        let age = sample.now.saturating_sub(self.window.began);
        if age < nanos(self.settings.window) || self.window.count < self.settings.min_samples {
            return None;
        }
        let window = std::mem::replace(&mut self.window, Window::begin(sample.now));
        let used = window.peak as f64 * 2.0 > self.limit;
        let due = self.probe_at.is_some_and(|at| sample.now >= at);
        let mean = window.mean();
        let in_vain = used && self.falls_in_vain(mean);
        // The first window of a service that starts under load has measured only a queue.
        if used && (due || in_vain || self.baseline.is_none()) {
            self.phase = Phase::Probing;
            self.probes += 1;
            return Some(self.settings.min);
        }
        let baseline = match self.baseline {
            None => mean,
            Some(baseline) if mean < baseline => baseline + FALL_SHARE * (mean - baseline),
            Some(baseline) if !used || self.limit() == self.settings.min => {
                baseline + RISE_SHARE * (mean - baseline)
            }
            Some(baseline) => baseline,
        };
        if !used {
            // The window has measured the baseline without a probe.
            self.plan_probe(sample.now);
        }
        self.baseline = Some(baseline);
        self.mean = Some(mean);
        self.factor = (self.settings.tolerance * baseline / mean).clamp(0.5, 1.0);
        if !used {
            return None;
        }
        let before = self.limit();
        let wanted = self.limit * self.factor + self.limit.sqrt();
        let limit = self.limit + self.settings.smoothing * (wanted - self.limit);
        self.limit = limit.clamp(f64::from(self.settings.min), f64::from(self.settings.max));
        Some(self.limit()).filter(|&limit| limit != before)
    }

    /// Returns whether the limit has fallen and the latency has not fallen with it.
    ///
    /// By Little's law the latency of a full queue is proportional to the limit. A latency that
    /// stays while the limit falls is that of the work itself, so the baseline is outdated.
    fn falls_in_vain(&mut self, mean: f64) -> bool {
        let now = Fall { limit: self.limit, mean };
        // While the latency rises, the fall has had no time to work.
        let from = self.fall.filter(|from| now.limit < from.limit && mean <= from.mean);
        let from = *self.fall.insert(from.unwrap_or(now));
        let kept = now.limit / from.limit;
        if kept > FALL_STEP {
            return false;
        }
        self.fall = Some(now);
        mean / from.mean > f64::midpoint(1.0, kept)
    }

    fn probing(&mut self, sample: Sample) -> Option<u32> {
        // Requests that were admitted before the limit fell have waited for each other.
        if sample.good && sample.in_use <= u64::from(self.settings.min) {
            self.window.add(sample);
        }
        let age = sample.now.saturating_sub(self.window.began);
        let late = age >= MAX_PROBE_WINDOWS.saturating_mul(nanos(self.settings.window));
        if self.window.count < self.settings.min_samples && !late {
            return None;
        }
        if self.window.count > 0 {
            self.baseline = Some(self.window.mean());
        }
        self.phase = Phase::Steady;
        self.fall = None;
        self.window = Window::begin(sample.now);
        self.plan_probe(sample.now);
        Some(self.limit())
    }

    /// Schedules the next probe, after 85 to 115 % of the interval.
    fn plan_probe(&mut self, now: u64) {
        // Marsaglia's xorshift is random enough to spread instances.
        self.jitter ^= self.jitter << 13;
        self.jitter ^= self.jitter >> 7;
        self.jitter ^= self.jitter << 17;
        let interval = nanos(self.settings.probe_interval);
        let spread = (interval / 1_000) * (self.jitter % 300);
        self.probe_at = Some(now.saturating_add(interval - interval / 100 * 15 + spread));
    }
}

fn nanos(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
