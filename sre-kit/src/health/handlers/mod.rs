//! Probes over HTTP: reading a snapshot and writing it down.

mod accept;
mod body;
mod details;
mod item;
mod json;
mod page;
mod query;
mod rfc3339;
mod service;
mod text;

pub use body::ProbeBody;
pub use details::ShowDetails;
pub use service::ProbeService;

/// The three questions that an orchestrator asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Probe {
    /// Has it started? `/startupz`.
    Startup,
    /// Should traffic come here? `/readyz`.
    Readiness,
    /// Should it be left alone, rather than restarted? `/livez`.
    Liveness,
}

impl Probe {
    /// The path of the probe.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Startup => "/startupz",
            Self::Readiness => "/readyz",
            Self::Liveness => "/livez",
        }
    }

    /// The path without its slash: what Kubernetes calls the probe.
    const fn name(self) -> &'static str {
        match self {
            Self::Startup => "startupz",
            Self::Readiness => "readyz",
            Self::Liveness => "livez",
        }
    }

    /// How a failing answer begins.
    const fn complaint(self) -> &'static str {
        match self {
            Self::Startup => "not started",
            Self::Readiness => "not ready",
            Self::Liveness => "not live",
        }
    }
}

/// What `application/health+json` says of the service itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Identity {
    pub(super) service_id: Option<String>,
    pub(super) version: Option<String>,
    pub(super) release_id: Option<String>,
    pub(super) description: Option<String>,
}
