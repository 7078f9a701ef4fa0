//! Items for the other crates of this workspace, which pin the exact version.
//!
//! They may change in any release.

pub use crate::traces::client::{ClientRequest, ClientSpan, ClientTraces};
pub use crate::traces::server::{
    RequestAttributes, RequestTrace, RequestTraceGuard, ResponseAttributes, ServerTraces,
};

use crate::telemetry::Telemetry;

/// What the other crates do with a [`Telemetry`] beyond its public methods.
pub trait TelemetryInternals {
    /// Returns the traces of a server, which take the sampling decision for inbound requests.
    fn server_traces(&self) -> ServerTraces;

    /// Returns the traces of a client, which propagate the context of outbound requests.
    fn client_traces(&self) -> ClientTraces;

    /// Keeps the metrics of this moment, which the shutdown pushes before those of its own moment.
    /// It is called before a pool closes.
    fn keep_metrics(&self);
}

impl TelemetryInternals for Telemetry {
    fn server_traces(&self) -> ServerTraces {
        self.server_traces()
    }

    fn client_traces(&self) -> ClientTraces {
        self.client_traces()
    }

    fn keep_metrics(&self) {
        self.keep_metrics();
    }
}
