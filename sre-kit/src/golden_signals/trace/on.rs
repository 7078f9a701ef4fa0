use super::super::in_flight::InFlight;
use super::super::outcome::Outcome;
use super::super::series::{End, Key};
use super::super::site::Site;
use super::spare;
use crate::RequestHead;
use sre_kit_metrics::internal::Link;
use sre_kit_telemetry::internal::{
    RequestAttributes, RequestTrace, RequestTraceGuard, ResponseAttributes, ServerTraces,
};

/// What starts the traces of a layer, where one was given.
pub(crate) type Traces = Option<ServerTraces>;

/// The trace of a request, where the layer has traces.
#[derive(Default)]
pub(crate) struct Trace(Option<Box<RequestTrace>>);

/// Whether the layer has traces.
pub(crate) fn asked(traces: &Traces) -> bool {
    traces.is_some()
}

/// Starts the trace of a request.
#[inline]
pub(crate) fn begin(traces: &Traces, site: &Site, key: Key, head: RequestHead<'_>) -> Trace {
    Trace(traces.as_ref().map(|traces| {
        spare::take(traces.start(&RequestAttributes {
            method: head.method,
            method_name: key.method(),
            uri: head.uri,
            version: key.version(),
            scheme: key.scheme(),
            headers: head.headers,
            route: site.template(),
        }))
    }))
}

/// Makes the request's trace current on this thread, until the result is dropped.
#[inline]
pub(crate) fn enter(in_flight: Option<&InFlight>) -> Option<RequestTraceGuard> {
    in_flight?.trace().0.as_ref().map(|trace| trace.enter())
}

impl Trace {
    /// Whether it has a span that will be seen.
    #[inline]
    pub(crate) fn is_sampled(&self) -> bool {
        self.0.as_ref().is_some_and(|trace| trace.context().is_sampled())
    }

    /// The span, for an exemplar, where it is sampled.
    #[inline]
    pub(crate) fn link(&self) -> Option<Link> {
        let context = self.0.as_ref()?.context();
        context.is_sampled().then(|| Link {
            trace_id: context.trace_id().to_u128(),
            span_id: context.span_id().to_u64(),
        })
    }

    /// Ends the span, where there is one.
    #[inline]
    pub(crate) fn end(&self, end: &End) {
        if let Some(trace) = self.0.as_ref().filter(|_| self.is_sampled()) {
            end_span(trace, end);
        }
    }
}

impl Drop for Trace {
    #[inline]
    fn drop(&mut self) {
        if let Some(done) = self.0.take() {
            spare::keep(done);
        }
    }
}

#[cold]
fn end_span(trace: &RequestTrace, end: &End) {
    let status = end.key.status();
    trace.end(&ResponseAttributes {
        status: status.parse().ok(),
        error_type: end.error_type(&status),
        // A client that went away is no failure of the server.
        failed: !matches!(
            end.outcome,
            Outcome::Ok
                | Outcome::ClientError
                | Outcome::AbortedBeforeHeaders
                | Outcome::AbortedMidBody
        ),
        outcome: end.outcome.as_str(),
        response_bytes: end.response_bytes,
        nanos: end.nanos,
    });
}
