//! Extraction of the context that a caller propagated in request headers.

use http::{HeaderMap, HeaderName};
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry_sdk::propagation::BaggagePropagator;

use super::trace_state::{TraceStateText, with_remote_span};
use crate::context::TraceContext;
use crate::settings::Propagators;

// Names and not texts: a text is parsed and looked up among the standard names at each use, which
// costs four times as much.
static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
static TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
static BAGGAGE: HeaderName = HeaderName::from_static("baggage");

/// Returns the caller's span, if there is exactly one well-formed `traceparent`.
#[inline]
pub(super) fn parent(headers: &HeaderMap, propagators: Propagators) -> Option<TraceContext> {
    if !propagators.trace_context {
        return None;
    }
    let mut values = headers.get_all(&TRACEPARENT).iter();
    // Two headers are malformed together, even if each is well formed.
    match (values.next(), values.next()) {
        (Some(value), None) => TraceContext::from_traceparent(value.as_bytes()),
        _ => None,
    }
}

/// Returns the caller's context in OpenTelemetry's type, with its `tracestate` and baggage.
///
/// `state` says whether the `tracestate` is the one of `parent`: a new trace has none.
pub(super) fn remote_context(
    headers: &HeaderMap,
    propagators: Propagators,
    parent: Option<TraceContext>,
    state: bool,
) -> Context {
    let mut context = Context::new();
    if propagators.baggage && headers.contains_key(&BAGGAGE) {
        context = BaggagePropagator::new().extract_with_context(&context, &Headers(headers));
    }
    match parent {
        Some(parent) => {
            let values = headers.get_all(&TRACESTATE).iter().filter_map(|v| v.to_str().ok());
            let state = state.then(|| TraceStateText::parse(values)).flatten();
            with_remote_span(&context, &parent, state)
        }
        None => context,
    }
}

/// Returns whether the caller sent baggage, or a `tracestate` beside its trace, to propagate.
///
/// A `tracestate` without a valid `traceparent` belongs to no trace and must not be used. Source:
/// <https://www.w3.org/TR/trace-context/#processing-model-for-working-with-trace-context>
#[inline]
pub(super) fn has_state_or_baggage(
    headers: &HeaderMap,
    propagators: Propagators,
    has_parent: bool,
) -> bool {
    (propagators.baggage && headers.contains_key(&BAGGAGE))
        || (has_parent && headers.contains_key(&TRACESTATE))
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};
    use opentelemetry::baggage::BaggageExt;
    use opentelemetry::trace::TraceContextExt;

    use super::{Propagators, has_state_or_baggage, parent, remote_context};
    use crate::traces::trace_state::header;

    const ALL: Propagators = Propagators { trace_context: true, baggage: true };
    const HEADER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_str(value).expect("valid"));
        }
        headers
    }

    #[test]
    fn a_disabled_propagator_extracts_nothing() {
        let none = Propagators { trace_context: false, baggage: false };
        let headers =
            headers(&[("traceparent", HEADER), ("tracestate", "a=b"), ("baggage", "c=d")]);
        assert!(parent(&headers, ALL).is_some());
        assert!(parent(&headers, none).is_none() && !has_state_or_baggage(&headers, none, false));
    }

    #[test]
    fn two_traceparents_are_rejected() {
        assert!(
            parent(&headers(&[("traceparent", HEADER), ("traceparent", HEADER)]), ALL).is_none()
        );
    }

    #[test]
    fn state_and_baggage_are_propagated_unless_they_are_malformed() {
        let good = headers(&[("traceparent", HEADER), ("tracestate", "a=b"), ("baggage", "c=d")]);
        let context = remote_context(&good, ALL, parent(&good, ALL), true);
        assert_eq!(header(&context), "a=b");
        assert_eq!(
            context.baggage().get("c").map(|value| value.as_str().to_owned()),
            Some("d".into())
        );

        let huge = "x".repeat(64 * 1024);
        let bad = headers(&[("traceparent", HEADER), ("tracestate", "=,=="), ("baggage", &huge)]);
        let context = remote_context(&bad, ALL, parent(&bad, ALL), true);
        assert!(context.span().span_context().is_valid(), "the trace itself is kept");
        assert_eq!(header(&context), "");
        assert!(context.baggage().is_empty());
    }
}
