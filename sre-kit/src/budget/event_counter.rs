//! The counter of one SLO of calls or of work.

use std::time::Duration;

use sre_kit_slo::{EventClass, Indicator, LatencyEnd};

use super::budget::Budget;
use crate::ConfigError;

/// Counts events for one SLO, by the index of their outcome.
pub(crate) struct EventCounter {
    budget: Budget,
    /// By outcome.
    classes: Box<[EventClass]>,
    /// The longest good duration, in nanoseconds.
    threshold: u64,
    until_headers: bool,
}

impl EventCounter {
    /// Creates the counter of events that have these outcomes.
    ///
    /// # Errors
    ///
    /// Returns an error if the SLO names an outcome that no event has.
    pub(crate) fn new(budget: &Budget, outcomes: &[&str]) -> Result<Self, ConfigError> {
        let slo = budget.definition();
        if let Some(unknown) = slo.outcomes().find(|name| !outcomes.contains(name)) {
            return Err(ConfigError::new(
                format!("slo `{}`", slo.name()),
                unknown,
                "none of its events ends in that outcome",
                format!("the outcomes are {}", outcomes.join(", ")),
            ));
        }
        let (threshold, until) = match slo.indicator() {
            Indicator::Latency { threshold, until } => (threshold, until),
            _ => (Duration::MAX, LatencyEnd::Body),
        };
        Ok(Self {
            classes: outcomes.iter().map(|outcome| slo.class_of(outcome).clone()).collect(),
            threshold: u64::try_from(threshold.as_nanos()).unwrap_or(u64::MAX),
            until_headers: until == LatencyEnd::Headers,
            budget: budget.clone(),
        })
    }

    /// Counts one event that took `nanos`. `to_headers` are the nanoseconds to the response head of
    /// a call that has one.
    #[inline]
    pub(crate) fn count(&self, outcome: usize, nanos: u64, to_headers: Option<u64>) {
        let nanos = to_headers.filter(|_| self.until_headers).unwrap_or(nanos);
        let slow = nanos > self.threshold;
        match &self.classes[outcome] {
            EventClass::Bad => self.budget.record_bad(),
            EventClass::ByDuration | EventClass::BadIfSlow(_) if slow => self.budget.record_bad(),
            EventClass::Good | EventClass::ByDuration => self.budget.record_good(),
            EventClass::Excluded(reason) | EventClass::BadIfSlow(reason) => {
                self.budget.record_excluded(reason);
            }
            EventClass::Ignored => {}
        }
    }
}
