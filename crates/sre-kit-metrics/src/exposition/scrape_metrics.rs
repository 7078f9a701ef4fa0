//! The metrics of expositions.

use std::time::Duration;

use sre_kit_core::ConfigError;

use crate::buckets::Buckets;
use crate::counter::CounterFamily;
use crate::encode::Format;
use crate::histogram::Histogram;
use crate::registry::Registry;

/// The outcome of a scrape.
#[derive(Clone, Copy, Debug)]
pub(super) enum ScrapeOutcome {
    Ok,
    Refused,
    Failed,
}

impl ScrapeOutcome {
    const ALL: [Self; 3] = [Self::Ok, Self::Refused, Self::Failed];

    fn label(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// The metrics that all expositions of one registry share.
#[derive(Clone, Debug)]
pub(super) struct ScrapeMetrics {
    ended: CounterFamily,
    unwritable: CounterFamily,
    duration: Histogram,
    size: Histogram,
}

impl ScrapeMetrics {
    pub(super) fn new(registry: &Registry) -> Result<Self, ConfigError> {
        let seconds = Buckets::seconds([0.001, 0.005, 0.025, 0.1, 0.5, 2.5])?;
        let bytes = Buckets::units((10..=26).step_by(4).map(|bits| 1 << bits))?;
        let metrics = Self {
            ended: registry.counter_family(
                "sre_kit_scrapes_total",
                "Scrapes answered, by format and outcome.",
                &["format", "outcome"],
            )?,
            unwritable: registry.counter_family(
                "sre_kit_scrape_unwritable_total",
                "Scrapes that left a metric out because their format cannot carry it.",
                &["metric"],
            )?,
            duration: registry.histogram(
                "sre_kit_scrape_duration_seconds",
                "Time to write and compress a scrape.",
                &seconds,
            )?,
            size: registry.histogram(
                "sre_kit_scrape_size_bytes",
                "Size of scrapes as sent.",
                &bytes,
            )?,
        };
        // The rate of a series that appears with its first event misses that event.
        for format in Format::ALL {
            for outcome in ScrapeOutcome::ALL {
                metrics.ended.with(&[format.label(), outcome.label()]);
            }
        }
        Ok(metrics)
    }

    /// Counts a scrape.
    pub(super) fn ended(&self, format: Format, outcome: ScrapeOutcome) {
        self.ended.with(&[format.label(), outcome.label()]).inc();
    }

    /// Records the time to write a response, and its size as sent.
    pub(super) fn written(&self, duration: Duration, size: usize) {
        self.duration.observe_duration(duration);
        self.size.observe_raw(size as u64);
    }

    /// Counts a metric that was left out of a scrape.
    pub(super) fn unwritable(&self, metric: &str) {
        self.unwritable.with(&[metric]).inc();
    }
}
