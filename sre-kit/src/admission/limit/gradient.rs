//! The rule by which the limit moves. It knows no clock: time is handed in.

use super::settings::GradientSettings;

/// Which part of the way the baseline falls to a faster window.
const FALL: f64 = 0.5;

/// Which part of the way it rises to a slower window that had room to spare.
const RISE: f64 = 0.1;

/// How long a probe may take, in windows, before it is given up.
const PROBE_WINDOWS: u64 = 8;

/// One latency.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// When it ended, in nanoseconds from any fixed moment.
    pub(crate) now: u64,
    pub(crate) nanos: u64,
    /// Units in use when the request was admitted, with its own.
    pub(crate) in_use: u64,
    /// Whether the work was done; if not, only its being slow says anything.
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

    /// Never zero: it divides.
    fn mean(&self) -> f64 {
        (self.sum / f64::from(self.count.max(1))).max(1.0)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Steady,
    /// The limit is at its minimum for a moment, to see the latency without a queue.
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
    jitter: u64,
}

/// What it found, for those who watch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Internals {
    pub(crate) gradient: f64,
    pub(crate) baseline: Option<f64>,
    pub(crate) mean: Option<f64>,
    pub(crate) probes: u64,
}

impl Gradient {
    /// `seed` spreads the probes of many instances over time.
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
            jitter: seed | 1,
            settings,
        }
    }

    pub(crate) fn internals(&self) -> Internals {
        let Self { factor, baseline, mean, probes, .. } = *self;
        Internals { gradient: factor, baseline, mean, probes }
    }

    /// The limit as a whole number.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // kept between min and max
    fn whole(&self) -> u32 {
        (self.limit as u32).clamp(self.settings.min, self.settings.max)
    }

    /// Until when good latencies may be added up and brought with
    /// [`add`](Self::add), together with the first one that comes later; 0 while
    /// each counts by itself.
    pub(crate) fn next_look(&self) -> u64 {
        match (self.phase, self.probe_at) {
            (Phase::Steady, Some(_)) => {
                self.window.began.saturating_add(nanos(self.settings.window))
            }
            _ => 0,
        }
    }

    /// Takes in latencies of good work. What was measured before a probe and comes
    /// in the middle of it says nothing of a service without a queue.
    pub(crate) fn add(&mut self, sum: f64, count: u32, peak: u64) {
        if self.phase == Phase::Steady {
            self.window.sum += sum;
            self.window.count = self.window.count.saturating_add(count);
            self.window.peak = self.window.peak.max(peak);
        }
    }

    /// Takes a latency in. Gives the limit when it is to be another.
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
        // The first window of a service that starts under load has seen its own queue only.
        if used && (due || self.baseline.is_none()) {
            self.phase = Phase::Probing;
            self.probes += 1;
            return Some(self.settings.min);
        }
        let mean = window.mean();
        let baseline = match self.baseline {
            None => mean,
            Some(baseline) if mean < baseline => baseline + FALL * (mean - baseline),
            Some(baseline) if !used || self.whole() == self.settings.min => {
                baseline + RISE * (mean - baseline)
            }
            Some(baseline) => baseline,
        };
        if !used {
            // The baseline has just been learned without a probe.
            self.plan_probe(sample.now);
        }
        self.baseline = Some(baseline);
        self.mean = Some(mean);
        self.factor = (self.settings.tolerance * baseline / mean).clamp(0.5, 1.0);
        if !used {
            return None;
        }
        let before = self.whole();
        let wanted = self.limit * self.factor + self.limit.sqrt();
        let limit = self.limit + self.settings.smoothing * (wanted - self.limit);
        self.limit = limit.clamp(f64::from(self.settings.min), f64::from(self.settings.max));
        Some(self.whole()).filter(|&limit| limit != before)
    }

    fn probing(&mut self, sample: Sample) -> Option<u32> {
        // Those admitted before the limit fell have waited for each other.
        if sample.good && sample.in_use <= u64::from(self.settings.min) {
            self.window.add(sample);
        }
        let age = sample.now.saturating_sub(self.window.began);
        let late = age >= PROBE_WINDOWS.saturating_mul(nanos(self.settings.window));
        if self.window.count < self.settings.min_samples && !late {
            return None;
        }
        if self.window.count > 0 {
            self.baseline = Some(self.window.mean());
        }
        self.phase = Phase::Steady;
        self.window = Window::begin(sample.now);
        self.plan_probe(sample.now);
        Some(self.whole())
    }

    /// The next probe, between 85 and 115 % of the interval from now.
    fn plan_probe(&mut self, now: u64) {
        // Marsaglia's xorshift: enough to keep instances apart.
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
