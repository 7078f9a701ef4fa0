//! The trace of a call with the feature `telemetry`.

use http::{Request, StatusCode};
use sre_kit_metrics::internal::Link;
use sre_kit_telemetry::internal::{ClientRequest, ClientSpan, ClientTraces};

use crate::outbound::key::Key;
use crate::outbound::outcome::CallOutcome;
use crate::outbound::peer::Peer;
use crate::outbound::series::error_type;

/// The source of the traces of calls, if there is one.
pub(in crate::outbound) type Traces = Option<ClientTraces>;

/// The span of a call, if the trace is sampled. It is boxed, because most calls have none.
#[derive(Default)]
pub(in crate::outbound) struct Trace(Option<Box<ClientSpan>>);

impl Trace {
    /// Adds the context to the headers of `request`, and starts a span if the trace is sampled.
    #[inline]
    pub(in crate::outbound) fn start<B>(
        traces: &Traces,
        key: Key,
        peer: Option<&Peer>,
        request: &mut Request<B>,
    ) -> Self {
        let Some(traces) = traces else { return Self(None) };
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let host = || uri.host().unwrap_or_default().to_owned();
        let address = peer.map_or_else(host, |peer| peer.host.clone());
        let outgoing = ClientRequest {
            method: key.method(),
            original: method,
            port: peer.map(|peer| peer.port).or(uri.port_u16()),
            address: &address,
            uri,
        };
        Self(traces.start(&outgoing, request.headers_mut()).map(Box::new))
    }

    /// Returns the ids for an exemplar, if the trace is sampled.
    #[inline]
    pub(in crate::outbound) fn link(&self) -> Option<Link> {
        self.0.as_ref().map(|span| span.link())
    }

    /// Ends the span, if there is one.
    #[inline]
    pub(in crate::outbound) fn end(
        &mut self,
        status: Option<StatusCode>,
        key: Key,
        outcome: CallOutcome,
    ) {
        if let Some(span) = self.0.take() {
            let code = key.status();
            // A canceled call is not an error of the span.
            let failed = outcome != CallOutcome::Canceled;
            span.end(status, error_type(&code, key).unwrap_or(""), failed);
        }
    }
}
