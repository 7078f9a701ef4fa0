//! The innermost span that a thread is in.

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt};

use crate::context::TraceContext;

/// The innermost span, of ours or of OpenTelemetry's, in the order in which a
/// child would take it for its parent.
///
/// Where a request is not sampled, ours is all there is. Where it is, a span
/// further in may have been opened by `tracing` or by OpenTelemetry's own API.
pub(crate) fn innermost() -> Option<TraceContext> {
    match TraceContext::current() {
        Some(unsampled) if !unsampled.is_sampled() => Some(unsampled),
        ours => Context::map_current(|context| {
            context.has_active_span().then(|| of(context.span().span_context())).flatten()
        })
        .or(ours),
    }
}

/// The same ids in our type.
pub(crate) fn of(span: &SpanContext) -> Option<TraceContext> {
    TraceContext::new(
        u128::from_be_bytes(span.trace_id().to_bytes()),
        u64::from_be_bytes(span.span_id().to_bytes()),
        span.is_sampled(),
    )
}

#[cfg(test)]
mod tests {
    use opentelemetry::Context;
    use opentelemetry::trace::TraceContextExt;
    use opentelemetry::trace::TraceState;

    use super::{TraceContext, innermost};
    use crate::context::attach;
    use crate::traces::extract::span_context;

    #[test]
    fn a_span_of_opentelemetry_lies_within_a_sampled_request_and_not_in_another() {
        let context = |span, sampled| TraceContext::new(7, span, sampled).expect("not zero");
        let inner = span_context(&context(2, true), TraceState::default());
        assert_eq!(innermost(), None);
        let _inner = Context::new().with_remote_span_context(inner).attach();
        assert_eq!(innermost(), Some(context(2, true)), "a job without a request");
        for (request, found) in
            [(context(1, true), context(2, true)), (context(1, false), context(1, false))]
        {
            let _request = attach(Some(request));
            assert_eq!(innermost(), Some(found));
        }
    }
}
