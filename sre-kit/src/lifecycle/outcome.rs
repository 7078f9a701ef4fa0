//! How a process ended.

use std::process::{ExitCode, Termination};
use std::time::Duration;

use super::hooks::HookFailure;
use super::state::ShutdownPhase;
use super::trigger::ShutdownReason;
use crate::server::Unfinished;

/// How a shutdown went. Return it from `main`: it becomes the exit code.
///
/// | Code | Meaning |
/// |---|---|
/// | 0 | clean: nothing was lost |
/// | 80 | cut short: something was still under way when its time was over, or a hook failed |
/// | 81 | forced: a second signal ended the process at once |
///
/// The numbers can be changed, see [`LifecycleBuilder`](super::LifecycleBuilder).
/// They lie beyond those of `sysexits.h` (64 to 78) and below those that a shell
/// or container runtime makes of signals (128 and up).
#[derive(Clone, Debug)]
#[must_use = "return it from `main` to set the exit code"]
pub struct ShutdownReport {
    pub(super) reason: ShutdownReason,
    pub(super) phases: Vec<(ShutdownPhase, Duration)>,
    pub(super) cut_off: Unfinished,
    pub(super) tasks_left: usize,
    pub(super) failures: Vec<HookFailure>,
    pub(super) cut_short_code: u8,
}

impl ShutdownReport {
    /// Whether nothing was lost.
    pub fn is_clean(&self) -> bool {
        self.cut_off.is_empty() && self.tasks_left == 0 && self.failures.is_empty()
    }

    /// The exit code.
    pub fn code(&self) -> u8 {
        if self.is_clean() { 0 } else { self.cut_short_code }
    }

    /// Why the shutdown began.
    pub fn reason(&self) -> &ShutdownReason {
        &self.reason
    }

    /// The phases in the order in which they ran, and how long each took.
    pub fn phases(&self) -> &[(ShutdownPhase, Duration)] {
        &self.phases
    }

    /// Connections and requests that were cut off.
    pub fn cut_off(&self) -> Unfinished {
        self.cut_off
    }

    /// Background tasks that were dropped.
    pub fn tasks_left(&self) -> usize {
        self.tasks_left
    }

    /// Hooks that failed, panicked or were not done in time.
    pub fn hook_failures(&self) -> &[HookFailure] {
        &self.failures
    }
}

impl Termination for ShutdownReport {
    fn report(self) -> ExitCode {
        ExitCode::from(self.code())
    }
}
