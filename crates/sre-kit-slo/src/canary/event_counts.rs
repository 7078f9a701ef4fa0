//! The counts that a canary is evaluated by.

use crate::Objective;

/// The valid events of one side, counted over the same time as those of the other side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct EventCounts {
    events: u64,
    bad: u64,
}

impl EventCounts {
    /// Creates counts of `events`, `bad` of which were bad. `bad` is capped at `events`, because
    /// two counters that are scraped one after the other can disagree.
    pub fn new(events: u64, bad: u64) -> Self {
        Self { events, bad: bad.min(events) }
    }

    /// Returns the number of valid events, good and bad.
    pub fn events(self) -> u64 {
        self.events
    }

    /// Returns the number of bad events.
    pub fn bad(self) -> u64 {
        self.bad
    }

    /// Returns the burn rate, which is the error ratio divided by the error budget. Returns 0 if
    /// there were no events.
    pub fn burn_rate(self, objective: Objective) -> f64 {
        if self.events == 0 {
            return 0.0;
        }
        self.bad as f64 / self.events as f64 / objective.error_budget().as_f64()
    }
}
