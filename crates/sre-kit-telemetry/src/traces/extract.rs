//! What a caller sent along.

use http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use opentelemetry_sdk::propagation::BaggagePropagator;

use crate::context::TraceContext;
use crate::settings::Propagators;

/// More `tracestate` than this is dropped, as the recommendation allows past 512 bytes.
const MAX_TRACE_STATE: usize = 8192;

/// The caller's span, where it names one that is well formed.
#[inline]
pub(super) fn parent(headers: &HeaderMap, propagators: Propagators) -> Option<TraceContext> {
    if !propagators.trace_context {
        return None;
    }
    let mut values = headers.get_all("traceparent").iter();
    // Two of them are as malformed as one that is.
    match (values.next(), values.next()) {
        (Some(value), None) => TraceContext::from_traceparent(value.as_bytes()),
        _ => None,
    }
}

/// The caller's context as OpenTelemetry holds it, with its state and its baggage.
pub(super) fn remote(
    headers: &HeaderMap,
    propagators: Propagators,
    parent: Option<TraceContext>,
) -> Context {
    let mut context = Context::new();
    if propagators.baggage && headers.contains_key("baggage") {
        context = BaggagePropagator::new().extract_with_context(&context, &Headers(headers));
    }
    match parent {
        Some(parent) => context.with_remote_span_context(span_context(&parent, state(headers))),
        None => context,
    }
}

/// Whether the caller sent more than a `traceparent`.
#[inline]
pub(super) fn has_more(headers: &HeaderMap, propagators: Propagators) -> bool {
    (propagators.baggage && headers.contains_key("baggage"))
        || (propagators.trace_context && headers.contains_key("tracestate"))
}

/// The same ids in OpenTelemetry's type.
pub(super) fn span_context(context: &TraceContext, state: TraceState) -> SpanContext {
    SpanContext::new(
        TraceId::from(context.trace_id().to_u128()),
        SpanId::from(context.span_id().to_u64()),
        TraceFlags::NOT_SAMPLED.with_sampled(context.is_sampled()),
        true,
        state,
    )
}

/// The vendors' part of the context. What is malformed is dropped, never the trace.
pub(super) fn state(headers: &HeaderMap) -> TraceState {
    let values: Vec<_> =
        headers.get_all("tracestate").iter().filter_map(|value| value.to_str().ok()).collect();
    let text = values.join(",");
    let members = text.split(',').map(str::trim).filter(|member| !member.is_empty());
    if text.len() > MAX_TRACE_STATE || !members.clone().all(is_member) {
        return TraceState::default();
    }
    members.collect::<Vec<_>>().join(",").parse().unwrap_or_default()
}

/// Whether a member is written as the recommendation asks. The SDK takes more,
/// and would pass it on.
fn is_member(member: &str) -> bool {
    let Some((key, value)) = member.split_once('=') else { return false };
    let key_char =
        |c: u8| matches!(c, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/' | b'@');
    let value_char = |c: u8| matches!(c, b' '..=b'~') && c != b'=' && c != b',';
    key.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && key.len() <= 256
        && key.bytes().all(key_char)
        && !value.is_empty()
        && value.len() <= 256
        && value.bytes().all(value_char)
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};
    use opentelemetry::baggage::BaggageExt;
    use opentelemetry::trace::TraceContextExt;

    use super::{Propagators, has_more, parent, remote};

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
    fn a_propagator_that_is_off_reads_nothing() {
        let none = Propagators { trace_context: false, baggage: false };
        let headers =
            headers(&[("traceparent", HEADER), ("tracestate", "a=b"), ("baggage", "c=d")]);
        assert!(parent(&headers, ALL).is_some());
        assert!(parent(&headers, none).is_none() && !has_more(&headers, none));
    }

    #[test]
    fn two_traceparents_are_none() {
        assert!(
            parent(&headers(&[("traceparent", HEADER), ("traceparent", HEADER)]), ALL).is_none()
        );
    }

    #[test]
    fn state_and_baggage_come_along_and_what_is_malformed_does_not() {
        let good = headers(&[("traceparent", HEADER), ("tracestate", "a=b"), ("baggage", "c=d")]);
        let context = remote(&good, ALL, parent(&good, ALL));
        assert_eq!(context.span().span_context().trace_state().header(), "a=b");
        assert_eq!(
            context.baggage().get("c").map(|value| value.as_str().to_owned()),
            Some("d".into())
        );

        let huge = "x".repeat(64 * 1024);
        let bad = headers(&[("traceparent", HEADER), ("tracestate", "=,=="), ("baggage", &huge)]);
        let context = remote(&bad, ALL, parent(&bad, ALL));
        assert!(context.span().span_context().is_valid(), "the trace itself is kept");
        assert_eq!(context.span().span_context().trace_state().header(), "");
        assert!(context.baggage().is_empty());
    }
}
