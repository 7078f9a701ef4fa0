//! Counters over time, and the exact result of any window over them.

use std::fmt::Write;
use std::time::Duration;

/// The good and bad events of one instance, step by step. Both counters start at zero.
#[derive(Clone, Debug)]
pub(super) struct Timeline {
    /// The time between two samples.
    pub(super) step: Duration,
    segments: Vec<Segment>,
}

#[derive(Clone, Copy, Debug)]
enum Segment {
    /// A number of steps with the same events each.
    Events { steps: u64, good: u64, bad: u64 },
    /// A number of steps without a sample.
    Gap { steps: u64 },
}

impl Segment {
    fn steps(self) -> u64 {
        match self {
            Self::Events { steps, .. } | Self::Gap { steps } => steps,
        }
    }
}

impl Timeline {
    pub(super) fn new(step: Duration) -> Self {
        Self { step, segments: Vec::new() }
    }

    /// Adds steps with `good` and `bad` events each.
    pub(super) fn then(mut self, steps: u64, good: u64, bad: u64) -> Self {
        if steps > 0 {
            self.segments.push(Segment::Events { steps, good, bad });
        }
        self
    }

    /// Adds steps in which nothing was scraped.
    pub(super) fn gap(mut self, steps: u64) -> Self {
        self.segments.push(Segment::Gap { steps });
        self
    }

    /// Adds steps until `at`. The last one has these events and the others have none.
    pub(super) fn until(self, at: u64, good: u64, bad: u64) -> Self {
        let idle = at.saturating_sub(self.len() + 1);
        self.then(idle, 0, 0).then(1, good, bad)
    }

    /// Returns a timeline with the same steps and gaps, and without events.
    pub(super) fn idle(&self) -> Self {
        let idle = |segment: &Segment| match *segment {
            Segment::Events { steps, .. } => Segment::Events { steps, good: 0, bad: 0 },
            gap @ Segment::Gap { .. } => gap,
        };
        Self { step: self.step, segments: self.segments.iter().map(idle).collect() }
    }

    /// Returns the number of steps.
    pub(super) fn len(&self) -> u64 {
        self.segments.iter().map(|segment| segment.steps()).sum()
    }

    /// Returns the bad and all events of the last `window` steps before step `at`, clipped at the
    /// start.
    fn events(&self, at: u64, window: u64) -> (u64, u64) {
        let from = at.saturating_sub(window);
        let (mut begin, mut bad_sum, mut sum) = (0, 0, 0);
        for segment in &self.segments {
            let end = begin + segment.steps();
            let overlap = end.min(at).saturating_sub(begin.max(from));
            if let Segment::Events { good, bad, .. } = segment {
                bad_sum += overlap * bad;
                sum += overlap * (good + bad);
            }
            begin = end;
        }
        (bad_sum, sum)
    }

    fn steps_in(&self, window: Duration) -> u64 {
        // A window of a thousand years in milliseconds fits.
        u64::try_from(window.as_millis() / self.step.as_millis().max(1)).unwrap_or(u64::MAX)
    }

    /// Returns the error ratio of a window at step `at`, or 0 if it had no events.
    pub(super) fn ratio(&self, at: u64, window: Duration) -> f64 {
        match self.events(at, self.steps_in(window)) {
            (_, 0) => 0.0,
            (bad, all) => bad as f64 / all as f64,
        }
    }

    /// Returns the bad events in a window.
    pub(super) fn bad(&self, at: u64, window: Duration) -> u64 {
        self.events(at, self.steps_in(window)).0
    }

    /// Returns all events per second in a window.
    pub(super) fn rate(&self, at: u64, window: Duration) -> f64 {
        self.events(at, self.steps_in(window)).1 as f64 / window.as_secs_f64()
    }

    /// Returns the bad events per second in a window.
    pub(super) fn bad_rate(&self, at: u64, window: Duration) -> f64 {
        self.bad(at, window) as f64 / window.as_secs_f64()
    }

    /// Renders the samples of the good and of the bad counter in the notation of promtool, in which
    /// `a+bxn` stands for `a`, `a+b`, up to `a+b*n`.
    pub(super) fn values(&self) -> [String; 2] {
        [self.counter(|good, _| good), self.counter(|_, bad| bad)]
    }

    fn counter(&self, pick: impl Fn(u64, u64) -> u64) -> String {
        // The first sample is the zero that exists before the first event.
        let (mut out, mut value) = (String::from("0"), 0);
        for segment in &self.segments {
            let written = match *segment {
                // Prometheus marks series as stale when they disappear from the target.
                Segment::Gap { steps: ..=1 } => write!(out, " stale"),
                Segment::Gap { steps } => write!(out, " stale _x{}", steps - 1),
                Segment::Events { steps, good, bad } => {
                    let slope = pick(good, bad);
                    let first = value + slope;
                    value += slope * steps;
                    write!(out, " {first}+{slope}x{}", steps - 1)
                }
            };
            // Writing to a String cannot fail.
            debug_assert!(written.is_ok());
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Timeline;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn counters_go_on_from_segment_to_segment() {
        let timeline = Timeline::new(MINUTE).then(3, 10, 0).gap(2).then(2, 0, 1);
        assert_eq!(timeline.values(), ["0 10+10x2 stale _x1 30+0x1", "0 0+0x2 stale _x1 1+1x1"]);
        assert_eq!(timeline.len(), 7);
    }

    #[test]
    fn single_events_have_silence_between_them() {
        let timeline = Timeline::new(MINUTE).until(1, 5, 1).until(4, 0, 2).until(5, 1, 0);
        assert_eq!(timeline.values(), ["0 5+5x0 5+0x1 5+0x0 6+1x0", "0 1+1x0 1+0x1 3+2x0 3+0x0"]);
        assert_eq!((timeline.len(), timeline.bad(5, MINUTE * 2)), (5, 2));
    }

    #[test]
    fn a_window_shows_what_happened_in_it() {
        let timeline = Timeline::new(MINUTE).then(10, 100, 0).then(5, 50, 50);
        let ratio = |at, minutes| timeline.ratio(at, MINUTE * minutes);
        let near = |found: f64, expected: f64| (found - expected).abs() < 1e-12;
        assert!(near(ratio(10, 5), 0.0) && near(ratio(15, 5), 0.5) && near(ratio(15, 10), 0.25));
        assert!(near(ratio(15, 1_000), 250.0 / 1_500.0), "clipped at the start");
        assert_eq!(timeline.bad(12, MINUTE * 60), 100);
        assert!(near(timeline.rate(15, MINUTE * 5), 500.0 / 300.0));
    }
}
