//! Conversion between [`TraceContext`] and OpenTelemetry's span context.

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

use crate::context::TraceContext;

/// Converts `context` into the context of a remote span.
pub(super) fn to_otel(context: &TraceContext, state: TraceState) -> SpanContext {
    SpanContext::new(
        TraceId::from(context.trace_id().to_u128()),
        SpanId::from(context.span_id().to_u64()),
        TraceFlags::new(context.flags()),
        true,
        state,
    )
}

/// Converts a span context. Returns `None` if it is not valid.
pub(super) fn from_otel(span: &SpanContext) -> Option<TraceContext> {
    TraceContext::with_flags(
        u128::from_be_bytes(span.trace_id().to_bytes()),
        u64::from_be_bytes(span.span_id().to_bytes()),
        span.trace_flags().to_u8(),
    )
}
