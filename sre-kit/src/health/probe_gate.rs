//! The probes that a check gates.

use std::fmt;

/// The probes that fail while a check fails.
///
/// [`Check::gate_startup`](super::Check::gate_startup) and
/// [`Check::gate_readiness`](super::Check::gate_readiness) set it. By default a check is only
/// reported. No check can gate liveness.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ProbeGate {
    /// No probe: the check is only shown and counted.
    #[default]
    Report,
    /// Startup, until it is complete.
    Startup,
    /// Readiness.
    Readiness,
    /// Startup until it is complete, and readiness.
    StartupAndReadiness,
}

impl ProbeGate {
    /// Returns the value of the label `gate`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Startup => "startup",
            Self::Readiness => "readiness",
            Self::StartupAndReadiness => "startup_and_readiness",
        }
    }

    /// Returns whether startup waits for the check.
    pub const fn holds_startup(self) -> bool {
        matches!(self, Self::Startup | Self::StartupAndReadiness)
    }

    /// Returns whether readiness depends on the check.
    pub const fn holds_readiness(self) -> bool {
        matches!(self, Self::Readiness | Self::StartupAndReadiness)
    }

    pub(super) const fn and_startup(self) -> Self {
        if self.holds_readiness() { Self::StartupAndReadiness } else { Self::Startup }
    }

    pub(super) const fn and_readiness(self) -> Self {
        if self.holds_startup() { Self::StartupAndReadiness } else { Self::Readiness }
    }
}

impl fmt::Display for ProbeGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
