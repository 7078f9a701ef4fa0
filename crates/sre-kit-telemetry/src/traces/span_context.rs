//! Conversion between [`TraceContext`] and OpenTelemetry's span context.

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

use crate::context::TraceContext;

/// Converts `context` into the context of a remote span.
pub(super) fn to_otel(context: &TraceContext, state: TraceState) -> SpanContext {
    SpanContext::new(
        TraceId::from(context.trace_id().to_u128()),
        SpanId::from(context.span_id().to_u64()),
        TraceFlags::NOT_SAMPLED.with_sampled(context.is_sampled()),
        true,
        state,
    )
}

/// Converts a span context. Returns `None` if it is not valid.
pub(super) fn from_otel(span: &SpanContext) -> Option<TraceContext> {
    TraceContext::new(
        u128::from_be_bytes(span.trace_id().to_bytes()),
        u64::from_be_bytes(span.span_id().to_bytes()),
        span.is_sampled(),
    )
}
