//! The active span of a thread.

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt;

use super::span_context::from_otel;
use crate::context::TraceContext;

/// Returns the innermost active span, which a new span would have as its parent.
///
/// In an unsampled request that is the request itself, since no span is built. In a sampled one,
/// `tracing` or OpenTelemetry's own API may have opened a span inside of the request's.
pub(crate) fn active_span() -> Option<TraceContext> {
    match TraceContext::current() {
        Some(unsampled) if !unsampled.is_sampled() => Some(unsampled),
        request => Context::map_current(|context| {
            context.has_active_span().then(|| from_otel(context.span().span_context())).flatten()
        })
        // The SDK gives a root span the flag of a sampled trace only.
        .map(|span| span.with_randomness_of(request))
        .or(request),
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::Context;
    use opentelemetry::trace::{TraceContextExt, TraceState};

    use super::{TraceContext, active_span};
    use crate::context::attach;
    use crate::traces::span_context::to_otel;

    #[test]
    fn an_opentelemetry_span_is_active_in_a_sampled_request_only() {
        let context = |span, sampled| TraceContext::new(7, span, sampled).expect("not zero");
        let inner = to_otel(&context(2, true), TraceState::default());
        assert_eq!(active_span(), None);
        let _inner = Context::new().with_remote_span_context(inner).attach();
        assert_eq!(active_span(), Some(context(2, true)), "a job without a request");
        for (request, found) in
            [(context(1, true), context(2, true)), (context(1, false), context(1, false))]
        {
            let _request = attach(Some(request));
            assert_eq!(active_span(), Some(found));
        }
    }
}
