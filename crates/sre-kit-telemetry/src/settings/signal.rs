//! The three signals, and how they are named in variables and paths.

/// A signal that is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    Traces,
    Metrics,
    Logs,
}

impl Signal {
    /// Returns the signal's part of a variable name.
    pub(super) fn upper(self) -> &'static str {
        match self {
            Self::Traces => "TRACES",
            Self::Metrics => "METRICS",
            Self::Logs => "LOGS",
        }
    }

    /// Returns the signal's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Metrics => "metrics",
            Self::Logs => "logs",
        }
    }

    /// Returns the path of OTLP over HTTP.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Traces => "v1/traces",
            Self::Metrics => "v1/metrics",
            Self::Logs => "v1/logs",
        }
    }

    /// Returns the names of the signal's own variable and of the one for all signals, in the order
    /// of precedence.
    pub(super) fn variables(self, suffix: &str) -> [String; 2] {
        [
            format!("OTEL_EXPORTER_OTLP_{}_{suffix}", self.upper()),
            format!("OTEL_EXPORTER_OTLP_{suffix}"),
        ]
    }
}
