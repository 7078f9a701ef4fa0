//! The counters of one SLO.

use std::time::Duration;

use sre_kit_metrics::internal::{ShardId, ShardedCells};
use sre_kit_slo::{EventClass, Indicator, LatencyEnd};

use super::completed::CompletedRequest;
use super::exclusion::{ExclusionId, ExclusionReasons};
use super::outcome::Outcome;
use crate::budget::{Budget, BudgetCells};

/// How an SLO counts the requests of one outcome. A reason is an index into those of the SLO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EventRule {
    Good,
    Bad,
    ByDuration,
    BadIfSlow(usize),
    Excluded(usize),
    Ignored,
}

/// Counts the requests of one route and method for one SLO, in one shard.
pub(crate) struct SloCounter {
    cells: BudgetCells,
    rules: [EventRule; Outcome::ALL.len()],
    /// The longest good duration, in nanoseconds.
    threshold: u64,
    until_headers: bool,
    /// The rule for streams, if the SLO has one.
    stream: Option<EventRule>,
    exclusions: Box<[(ExclusionId, EventRule)]>,
}

impl SloCounter {
    pub(crate) fn new(reasons: &ExclusionReasons, budget: &Budget, shard: ShardId) -> Self {
        let slo = budget.definition();
        let excluded = |reason: &str| {
            // A definition declares every reason that it uses.
            slo.reasons()
                .iter()
                .position(|r| r == reason)
                .map_or(EventRule::Ignored, EventRule::Excluded)
        };
        let rule = |outcome: Outcome| match slo.class_of(outcome.as_str()) {
            EventClass::Good => EventRule::Good,
            EventClass::Bad => EventRule::Bad,
            EventClass::ByDuration => EventRule::ByDuration,
            EventClass::Excluded(reason) => excluded(reason),
            EventClass::BadIfSlow(reason) => match excluded(reason) {
                EventRule::Excluded(index) => EventRule::BadIfSlow(index),
                other => other,
            },
            EventClass::Ignored => EventRule::Ignored,
        };
        let (threshold, until) = match slo.indicator() {
            Indicator::Latency { threshold, until } => (threshold, until),
            _ => (Duration::MAX, LatencyEnd::Body),
        };
        Self {
            cells: budget.cells(shard),
            rules: Outcome::ALL.map(rule),
            threshold: u64::try_from(threshold.as_nanos()).unwrap_or(u64::MAX),
            until_headers: until == LatencyEnd::Headers,
            stream: slo.excludes_streams().map(excluded),
            exclusions: slo
                .exclusions()
                .iter()
                .filter_map(|reason| Some((reasons.id(reason)?, excluded(reason))))
                .collect(),
        }
    }

    /// Counts one request. `shard` is the shard of the calling thread.
    #[inline]
    pub(crate) fn count(&self, request: &CompletedRequest, all: &ShardedCells, shard: ShardId) {
        let mut rule = self.rules[request.outcome as usize];
        if rule == EventRule::Ignored {
            return;
        }
        if request.stream.is_some()
            && let Some(of_stream) = self.stream
        {
            rule = of_stream;
        }
        if let Some(exclusion) = request.exclusion {
            rule = self.excluded(exclusion).unwrap_or(rule);
        }
        let slow = || {
            let whole = !self.until_headers;
            let nanos =
                if whole { request.nanos } else { request.to_headers.unwrap_or(request.nanos) };
            nanos > self.threshold
        };
        match rule {
            EventRule::Bad => self.cells.bad(all, shard),
            EventRule::ByDuration | EventRule::BadIfSlow(_) if slow() => {
                self.cells.bad(all, shard);
            }
            EventRule::Good | EventRule::ByDuration => self.cells.good(all, shard),
            EventRule::BadIfSlow(reason) | EventRule::Excluded(reason) => {
                self.cells.excluded(reason, all, shard);
            }
            EventRule::Ignored => {}
        }
    }

    #[cold]
    fn excluded(&self, exclusion: ExclusionId) -> Option<EventRule> {
        self.exclusions.iter().find(|(id, _)| *id == exclusion).map(|(_, rule)| *rule)
    }
}
