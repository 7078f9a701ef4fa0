//! The trace of one request, from its start to its end.

use std::fmt;
use std::time::{Duration, SystemTime};

use opentelemetry::Context;
use opentelemetry::trace::{Status, TraceContextExt};

use super::attributes::ResponseAttributes;
use crate::context::{ContextGuard, TraceContext, attach};

/// The trace of one request.
#[must_use = "the span of a sampled request ends with `end`"]
pub struct RequestTrace {
    context: TraceContext,
    /// It is `None` for an unsampled request without `tracestate` and baggage, which therefore
    /// allocates nothing.
    propagated: Option<Box<PropagatedFields>>,
}

/// What OpenTelemetry's own API holds of a request.
pub(super) struct PropagatedFields {
    /// The span of a sampled request, or the `tracestate` and baggage of another one.
    pub(super) otel: Context,
    /// The start of the span. It is unused if the request is not sampled.
    pub(super) started: SystemTime,
}

/// A guard that keeps a request's trace current on this thread until it is dropped.
#[must_use = "the trace is current until the guard is dropped"]
pub struct RequestTraceGuard {
    _context: ContextGuard,
    _otel: Option<opentelemetry::ContextGuard>,
}

impl RequestTrace {
    #[inline]
    pub(super) fn new(context: TraceContext, propagated: Option<PropagatedFields>) -> Self {
        Self { context, propagated: propagated.map(Box::new) }
    }

    /// Creates the trace of a request that is not sampled, for tests.
    pub fn unsampled() -> Self {
        Self::new(TraceContext::random(false), None)
    }

    /// Returns the trace and span ids, and whether the request is sampled.
    #[inline]
    pub fn context(&self) -> TraceContext {
        self.context
    }

    /// Makes the trace current on this thread.
    #[inline]
    pub fn enter(&self) -> RequestTraceGuard {
        RequestTraceGuard {
            _context: attach(Some(self.context)),
            _otel: self.propagated.as_ref().map(|fields| fields.otel.clone().attach()),
        }
    }

    /// Drops the span and the propagated fields. The ids stay: they own no memory.
    #[inline]
    pub fn forget(&mut self) {
        self.propagated = None;
    }

    /// Ends the span. Does nothing if the request is not sampled.
    pub fn end(&self, response: &ResponseAttributes<'_>) {
        let Some(PropagatedFields { otel, started }) = self.propagated.as_deref() else { return };
        if !self.context.is_sampled() {
            return;
        }
        let span = otel.span();
        for attribute in response.to_key_values() {
            span.set_attribute(attribute);
        }
        if response.failed {
            span.set_status(Status::error(""));
        }
        // The histogram's duration, not another reading of the clock: both must agree.
        span.end_with_timestamp(*started + Duration::from_nanos(response.nanos));
    }
}

impl fmt::Debug for RequestTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestTrace").field("context", &self.context).finish_non_exhaustive()
    }
}

impl fmt::Debug for RequestTraceGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestTraceGuard").finish_non_exhaustive()
    }
}
