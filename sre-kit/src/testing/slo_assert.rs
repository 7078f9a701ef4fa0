//! Assertions about the events of one SLO.

use super::scrape::{MetricAssert, Scrape};

/// Assertions about the events that one SLO counted since the baseline.
///
/// Get one from [`TestKit::slo`](super::TestKit::slo). The methods can be chained.
#[derive(Clone, Debug)]
#[must_use = "nothing is asserted before a method such as `assert_bad`"]
pub struct SloAssert {
    slo: String,
    now: Scrape,
    before: Scrape,
}

impl SloAssert {
    pub(super) fn new(slo: &str, now: Scrape, before: Scrape) -> Self {
        Self { slo: slo.to_owned(), now, before }
    }

    /// Returns the good events.
    pub fn good(&self) -> u64 {
        self.events("good")
    }

    /// Returns the bad events.
    pub fn bad(&self) -> u64 {
        self.events("bad")
    }

    /// Returns the events that were excluded for `reason`.
    pub fn excluded(&self, reason: &str) -> u64 {
        let family = self.family("slo_events_excluded_total");
        whole(family.label("reason", reason).rise())
    }

    /// Asserts that exactly `expected` events were good.
    ///
    /// # Panics
    ///
    /// Panics if others were.
    #[track_caller]
    pub fn assert_good(&self, expected: u64) -> &Self {
        self.assert("good events", expected, self.good())
    }

    /// Asserts that exactly `expected` events were bad.
    ///
    /// # Panics
    ///
    /// Panics if others were.
    #[track_caller]
    pub fn assert_bad(&self, expected: u64) -> &Self {
        self.assert("bad events", expected, self.bad())
    }

    /// Asserts that exactly `expected` events were excluded for `reason`.
    ///
    /// # Panics
    ///
    /// Panics if others were.
    #[track_caller]
    pub fn assert_excluded(&self, reason: &str, expected: u64) -> &Self {
        let what = format!("events excluded as `{reason}`");
        self.assert(&what, expected, self.excluded(reason))
    }

    #[track_caller]
    fn assert(&self, what: &str, expected: u64, found: u64) -> &Self {
        assert!(
            expected == found,
            "expected {expected} {what} of the SLO `{}`, but found {found}.\n{}",
            self.slo,
            self.everything()
        );
        self
    }

    fn events(&self, outcome: &str) -> u64 {
        whole(self.family("slo_events_total").label("outcome", outcome).rise())
    }

    fn family(&self, name: &str) -> MetricAssert {
        let (now, before) = (self.now.clone(), self.before.clone());
        now.metric_since(before, name.to_owned()).label("slo", &*self.slo)
    }

    /// Returns what every SLO counted, and how the requests ended.
    fn everything(&self) -> String {
        let mut lines = vec!["Counted since the baseline:".to_owned()];
        for (series, value) in self.now.samples() {
            let counts = [
                "slo_events_total",
                "slo_events_excluded_total",
                "sre_kit_http_server_requests_total",
            ];
            if !counts.contains(&series.name()) {
                continue;
            }
            let mut before = self.before.samples().filter(|(earlier, _)| *earlier == series);
            let rise = value - before.next().map_or(0.0, |(_, value)| value);
            if rise > 0.0 {
                lines.push(format!("  {series} {rise}"));
            }
        }
        if lines.len() == 1 {
            return "No request ended and no SLO counted anything since the baseline.".to_owned();
        }
        lines.join("\n")
    }
}

/// Returns a rise of a counter of events, which is whole and not negative.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of a test")]
fn whole(rise: f64) -> u64 {
    rise.max(0.0).round() as u64
}
