//! The state of a process between its start and its end.

use std::fmt;

/// The state of a process. It only ever advances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum State {
    /// The process waits for its startup gates.
    Starting,
    /// The process serves.
    Running,
    /// Readiness goes off; requests are still accepted, and then finished.
    Draining,
    /// No request is in flight; tasks, pools, telemetry and listeners end.
    Stopping,
    /// Everything has ended.
    Stopped,
}

impl State {
    pub(super) const ALL: [Self; 5] =
        [Self::Starting, Self::Running, Self::Draining, Self::Stopping, Self::Stopped];

    /// Returns the value of the label `state`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Draining => "draining",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
