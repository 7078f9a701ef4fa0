//! The view of one check.

use std::fmt;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::check_run::RunResult;
use super::check_spec::CheckSpec;
use super::check_status::CheckStatus;
use super::probe_gate::ProbeGate;

/// The state of a check, after rise, fall and age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CheckState {
    /// No run has ended yet. It counts as failing.
    Pending,
    /// The check passes.
    Pass,
    /// The check passes, but the service is degraded. It counts as passing.
    Warn,
    /// The check fails.
    Fail,
    /// The last result is older than three intervals and a timeout. It counts as failing.
    Stale,
}

impl CheckState {
    /// Returns whether the state counts as passing.
    pub const fn is_up(self) -> bool {
        matches!(self, Self::Pass | Self::Warn)
    }
}

/// The view of one check at one moment. See
/// [`HealthSnapshot::checks`](super::HealthSnapshot::checks).
#[derive(Clone, Copy)]
pub struct CheckSnapshot<'a> {
    spec: &'a CheckSpec,
    status: &'a CheckStatus,
    now: Instant,
}

impl<'a> CheckSnapshot<'a> {
    pub(super) fn new(spec: &'a CheckSpec, status: &'a CheckStatus, now: Instant) -> Self {
        Self { spec, status, now }
    }

    /// Returns the name of the check.
    pub fn name(&self) -> &'a str {
        &self.spec.name
    }

    /// Returns the probes that the check gates.
    pub fn gate(&self) -> ProbeGate {
        self.spec.gate
    }

    /// Returns the state of the check, after rise, fall and age.
    pub fn state(&self) -> CheckState {
        match &self.status.deciding {
            _ if self.status.is_stale(self.spec, self.now) => CheckState::Stale,
            None => CheckState::Pending,
            Some(run) => match run.result {
                RunResult::Pass => CheckState::Pass,
                RunResult::Warn => CheckState::Warn,
                RunResult::Fail | RunResult::Timeout | RunResult::Panic => CheckState::Fail,
            },
        }
    }

    /// Returns the time since the last run ended. `None` before the first run has ended.
    pub fn age(&self) -> Option<Duration> {
        self.status.last.as_ref().map(|last| self.now.saturating_duration_since(last.ended))
    }

    /// Returns the duration of the last run. `None` before the first run has ended.
    pub fn took(&self) -> Option<Duration> {
        self.status.last.as_ref().map(|last| last.duration)
    }

    /// Returns the wall-clock time at which the last run ended. `None` before the first run has
    /// ended.
    pub fn time(&self) -> Option<SystemTime> {
        self.status.last.as_ref().map(|last| last.ended_wall)
    }

    /// Returns the number of runs in a row that contradict [`state`](Self::state): failures fewer
    /// than `fall`, or passes fewer than `rise`.
    pub fn contrary_runs(&self) -> u32 {
        self.status.contrary_runs()
    }

    /// Returns the message of the run that decided the state.
    ///
    /// It may be the text of an error and contain host names: show it in logs and to operators
    /// only.
    pub fn message(&self) -> Option<&'a str> {
        self.status.deciding.as_ref().and_then(|run| run.message.as_deref())
    }

    pub(super) fn result(&self) -> Option<RunResult> {
        self.status.deciding.as_ref().map(|run| run.result)
    }

    pub(super) fn spec(&self) -> &'a CheckSpec {
        self.spec
    }
}

impl fmt::Debug for CheckSnapshot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckSnapshot")
            .field("name", &self.name())
            .field("gate", &self.gate())
            .field("state", &self.state())
            .field("age", &self.age())
            .finish_non_exhaustive()
    }
}
