//! The trace of a request with the feature `telemetry`.

use sre_kit_metrics::internal::Link;
use sre_kit_telemetry::internal::{
    RequestAttributes, RequestTrace, RequestTraceGuard, ResponseAttributes, ServerTraces,
};

use super::super::completed::CompletedRequest;
use super::super::key::Key;
use super::super::outcome::Outcome;
use super::box_pool;
use crate::RequestHead;

/// The source of the traces of a layer, if it has one.
pub(crate) type Traces = Option<ServerTraces>;

/// The trace of a request, if the layer has traces.
#[derive(Default)]
pub(crate) struct Trace(Option<Box<RequestTrace>>);

/// Returns whether the layer has traces.
pub(crate) fn is_enabled(traces: &Traces) -> bool {
    traces.is_some()
}

/// Starts the trace of a request.
#[inline]
pub(crate) fn start(
    traces: &Traces,
    template: Option<&str>,
    key: Key,
    head: RequestHead<'_>,
) -> Trace {
    Trace(traces.as_ref().map(|traces| {
        box_pool::take(traces.start(&RequestAttributes {
            method: head.method,
            method_name: key.method(),
            uri: head.uri,
            version: key.version(),
            scheme: key.scheme(),
            headers: head.headers,
            route: template,
        }))
    }))
}

/// Makes a trace current on this thread until the returned guard is dropped.
#[inline]
pub(crate) fn enter(trace: Option<&Trace>) -> Option<RequestTraceGuard> {
    trace?.0.as_ref().map(|trace| trace.enter())
}

impl Trace {
    /// Returns whether the trace has a span that will be exported.
    #[inline]
    pub(crate) fn is_sampled(&self) -> bool {
        self.0.as_ref().is_some_and(|trace| trace.context().is_sampled())
    }

    /// Returns the ids for an exemplar, if the trace is sampled.
    #[inline]
    pub(crate) fn link(&self) -> Option<Link> {
        let context = self.0.as_ref()?.context();
        context.is_sampled().then(|| Link {
            trace_id: context.trace_id().to_u128(),
            span_id: context.span_id().to_u64(),
        })
    }

    /// Ends the span, if there is one.
    #[inline]
    pub(crate) fn end(&self, completed: &CompletedRequest) {
        if let Some(trace) = self.0.as_ref().filter(|_| self.is_sampled()) {
            end_span(trace, completed);
        }
    }
}

impl Drop for Trace {
    #[inline]
    fn drop(&mut self) {
        if let Some(trace) = self.0.take() {
            box_pool::put_back(trace);
        }
    }
}

#[cold]
fn end_span(trace: &RequestTrace, completed: &CompletedRequest) {
    let status = completed.key.status();
    trace.end(&ResponseAttributes {
        status: status.parse().ok(),
        error_type: completed.error_type(&status),
        // A client that disconnects is no failure of the server.
        failed: !matches!(
            completed.outcome,
            Outcome::Ok
                | Outcome::ClientError
                | Outcome::AbortedBeforeHeaders
                | Outcome::AbortedMidBody
        ),
        outcome: completed.outcome.as_str(),
        response_bytes: completed.response_bytes,
        nanos: completed.nanos,
    });
}
