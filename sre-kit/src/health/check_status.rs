//! The status of one check, after rise, fall and age.

use std::time::SystemTime;

use tokio::time::Instant;

use super::check_run::CheckRun;
use super::check_spec::CheckSpec;
use super::rise_fall::RiseFall;

/// The status of one check.
#[derive(Clone, Debug, Default)]
pub(super) struct CheckStatus {
    rise_fall: RiseFall,
    /// The run that decided the state: the last one that passed while the check is up, the last
    /// one that failed while it is down.
    pub(super) deciding: Option<CheckRun>,
    /// The last run, whether or not it has changed the state.
    pub(super) last: Option<CheckRun>,
    pub(super) last_success: Option<SystemTime>,
}

impl CheckStatus {
    /// Records a run, and returns whether the state changed.
    pub(super) fn record(&mut self, spec: &CheckSpec, run: CheckRun) -> bool {
        let before = self.deciding.as_ref().map(|run| run.result);
        if self.is_stale(spec, run.ended) {
            // Nothing is known any more: as with the first run, this one decides alone.
            *self = Self { last_success: self.last_success, ..Self::default() };
        }
        let passed = run.result.is_passing();
        if passed {
            self.last_success = Some(run.ended_wall);
        }
        if self.rise_fall.record(passed, spec.rise, spec.fall) == passed {
            self.deciding = Some(run.clone());
        }
        self.last = Some(run);
        before != self.deciding.as_ref().map(|run| run.result)
    }

    /// Returns the moment after which the last run is stale.
    pub(super) fn stale_at(&self, spec: &CheckSpec) -> Option<Instant> {
        self.last.as_ref().map(|last| last.ended + spec.stale_after())
    }

    pub(super) fn is_stale(&self, spec: &CheckSpec, now: Instant) -> bool {
        self.stale_at(spec).is_some_and(|at| now > at)
    }

    pub(super) fn is_up(&self, spec: &CheckSpec, now: Instant) -> bool {
        self.deciding.as_ref().is_some_and(|run| run.result.is_passing())
            && !self.is_stale(spec, now)
    }

    /// Returns the number of runs in a row that contradict the state.
    pub(super) fn contrary_runs(&self) -> u32 {
        self.rise_fall.contrary_runs()
    }
}
