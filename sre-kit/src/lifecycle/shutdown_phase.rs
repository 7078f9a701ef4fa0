//! The phases of a graceful shutdown.

use std::fmt;
use std::time::Duration;

/// The time that tasks, pools and the admin listener get, each, even if the phases before have
/// used up the drain's time.
///
/// Connections that are closed by force have 0.1 s to end, once for requests, once for upgraded
/// connections and once for the admin listener. The sum, 1.5 s, stays within the 2 s that a grace
/// period must hold beyond the three bounds.
pub(super) const MIN_PHASE_TIME: Duration = Duration::from_millis(400);

/// A phase of the graceful shutdown. The phases follow each other in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ShutdownPhase {
    /// Clients are asked to reconnect elsewhere; connections are still accepted.
    Delay,
    /// No connection is accepted; requests in flight are finished.
    Drain,
    /// Background tasks and upgraded connections end.
    Tasks,
    /// Pools and other resources are closed.
    Pools,
    /// Telemetry is flushed.
    Telemetry,
    /// The admin listener closes.
    Admin,
}

impl ShutdownPhase {
    pub(super) const ALL: [Self; 6] =
        [Self::Delay, Self::Drain, Self::Tasks, Self::Pools, Self::Telemetry, Self::Admin];

    /// Returns the value of the label `phase`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delay => "delay",
            Self::Drain => "drain",
            Self::Tasks => "tasks",
            Self::Pools => "pools",
            Self::Telemetry => "telemetry",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for ShutdownPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
