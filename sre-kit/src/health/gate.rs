use std::fmt;

/// What a failing check holds back.
///
/// Set by [`Check::gate_startup`](super::Check::gate_startup) and
/// [`Check::gate_readiness`](super::Check::gate_readiness); a check that asks for
/// neither is only reported. No gate reaches liveness.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ProbeGate {
    /// Nothing: it is shown and counted.
    #[default]
    Report,
    /// The end of startup.
    Startup,
    /// Readiness, for as long as it fails.
    Readiness,
    /// The end of startup, and readiness from then on.
    StartupAndReadiness,
}

impl ProbeGate {
    /// As the label `gate` shows it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Startup => "startup",
            Self::Readiness => "readiness",
            Self::StartupAndReadiness => "startup_and_readiness",
        }
    }

    /// Whether startup waits for the check.
    pub const fn holds_startup(self) -> bool {
        matches!(self, Self::Startup | Self::StartupAndReadiness)
    }

    /// Whether readiness depends on the check.
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
        f.write_str(self.as_str())
    }
}
