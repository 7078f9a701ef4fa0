//! A shutdown hook that failed.

use std::fmt;

use super::shutdown_phase::ShutdownPhase;

/// A shutdown hook that failed, panicked or did not finish in time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct HookFailure {
    /// The phase that the hook ran in.
    pub phase: ShutdownPhase,
    /// The name that the hook was registered with.
    pub hook: String,
    /// What went wrong.
    pub why: String,
}

impl fmt::Display for HookFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.hook, self.phase, self.why)
    }
}
