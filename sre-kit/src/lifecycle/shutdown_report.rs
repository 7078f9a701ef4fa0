//! The report of a graceful shutdown.

use std::process::{ExitCode, Termination};
use std::time::Duration;

use super::hook_failure::HookFailure;
use super::shutdown_phase::ShutdownPhase;
use super::shutdown_reason::ShutdownReason;
use crate::server::Unfinished;

/// The report of a graceful shutdown. Return it from `main` to set the exit code.
///
/// | Exit code | Meaning |
/// |---|---|
/// | 0 | nothing of the service's work was lost; [`telemetry_lost`](Self::telemetry_lost) says whether telemetry was |
/// | 80 | cut short: work was not finished within its bound, or a hook failed, or the watchdog ended the process |
/// | 81 | forced: a second signal ended the process at once |
///
/// [`cut_short_code`](super::LifecycleBuilder::cut_short_code) and
/// [`second_signal_code`](super::LifecycleBuilder::second_signal_code) change the codes. A flush
/// hook that fails, most often because the collector does not answer, does not change the exit code
/// unless [`telemetry_lost_code`](super::LifecycleBuilder::telemetry_lost_code) sets one: an alert
/// on exit codes then does not page the service's owner for the collector. The
/// defaults lie above those of `sysexits.h` (64 to 78) and below those that shells and container
/// runtimes derive from signals (128 and above).
#[derive(Clone, Debug)]
#[must_use = "return it from `main` to set the exit code"]
pub struct ShutdownReport {
    pub(super) reason: ShutdownReason,
    pub(super) phases: Vec<(ShutdownPhase, Duration)>,
    pub(super) unfinished: Unfinished,
    pub(super) tasks_left: usize,
    pub(super) failures: Vec<HookFailure>,
    pub(super) cut_short_code: u8,
    pub(super) telemetry_lost_code: u8,
}

impl ShutdownReport {
    /// Returns whether nothing was lost: no work, and no telemetry.
    pub fn is_clean(&self) -> bool {
        !self.is_cut_short() && !self.telemetry_lost()
    }

    /// Returns whether work was lost: a request, connection or task that was cut off, or a hook
    /// outside of the phase `telemetry` that failed.
    pub fn is_cut_short(&self) -> bool {
        let is_work = |failure: &HookFailure| failure.phase != ShutdownPhase::Telemetry;
        !self.unfinished.is_empty() || self.tasks_left > 0 || self.failures.iter().any(is_work)
    }

    /// Returns whether telemetry was lost: an [`on_flush`](super::Lifecycle::on_flush) hook failed,
    /// panicked or was not done in time.
    pub fn telemetry_lost(&self) -> bool {
        self.failures.iter().any(|failure| failure.phase == ShutdownPhase::Telemetry)
    }

    /// Returns the exit code: see the table of [`ShutdownReport`].
    pub fn code(&self) -> u8 {
        match (self.is_cut_short(), self.telemetry_lost()) {
            (true, _) => self.cut_short_code,
            (false, true) => self.telemetry_lost_code,
            (false, false) => 0,
        }
    }

    /// Returns why the shutdown began.
    pub fn reason(&self) -> &ShutdownReason {
        &self.reason
    }

    /// Returns the phases in the order in which they ran, each with its duration.
    pub fn phases(&self) -> &[(ShutdownPhase, Duration)] {
        &self.phases
    }

    /// Returns the connections and requests that were cut off.
    pub fn unfinished(&self) -> Unfinished {
        self.unfinished
    }

    /// Returns the number of background tasks that were dropped.
    pub fn tasks_left(&self) -> usize {
        self.tasks_left
    }

    /// Returns the hooks that failed, panicked or did not finish in time.
    pub fn hook_failures(&self) -> &[HookFailure] {
        &self.failures
    }
}

impl Termination for ShutdownReport {
    fn report(self) -> ExitCode {
        ExitCode::from(self.code())
    }
}
