//! The three probes.

use std::fmt;

/// One of the three probes that an orchestrator calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Probe {
    /// Has the service started? `/startupz`.
    Startup,
    /// Should the instance receive traffic? `/readyz`.
    Readiness,
    /// Is the process able to make progress? If not, it is restarted. `/livez`.
    Liveness,
}

impl Probe {
    pub(super) const ALL: [Self; 3] = [Self::Liveness, Self::Readiness, Self::Startup];

    /// Returns the path of the probe, such as `/readyz`.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Startup => "/startupz",
            Self::Readiness => "/readyz",
            Self::Liveness => "/livez",
        }
    }

    /// Returns the path without its slash, which is the name that Kubernetes uses.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Startup => "startupz",
            Self::Readiness => "readyz",
            Self::Liveness => "livez",
        }
    }

    /// Returns the first words of a failing response.
    pub(super) const fn failure(self) -> &'static str {
        match self {
            Self::Startup => "not started",
            Self::Readiness => "not ready",
            Self::Liveness => "not live",
        }
    }
}

impl fmt::Display for Probe {
    /// Prints the name, such as `readyz`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
