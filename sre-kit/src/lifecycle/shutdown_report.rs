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
/// | 0 | clean: nothing was lost |
/// | 80 | cut short: something was not finished within its bound, or a hook failed, or the watchdog ended the process |
/// | 81 | forced: a second signal ended the process at once |
///
/// [`cut_short_code`](super::LifecycleBuilder::cut_short_code) and
/// [`second_signal_code`](super::LifecycleBuilder::second_signal_code) change the codes. The
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
}

impl ShutdownReport {
    /// Returns whether nothing was lost.
    pub fn is_clean(&self) -> bool {
        self.unfinished.is_empty() && self.tasks_left == 0 && self.failures.is_empty()
    }

    /// Returns the exit code.
    pub fn code(&self) -> u8 {
        if self.is_clean() { 0 } else { self.cut_short_code }
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
