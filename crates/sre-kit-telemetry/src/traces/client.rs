//! The client span of an outbound request, and the headers that propagate its context.

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use opentelemetry::baggage::BaggageExt;
use opentelemetry::propagation::{Injector, TextMapPropagator};
use opentelemetry::trace::{SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::propagation::BaggagePropagator;
use opentelemetry_sdk::trace::SdkTracer;

use super::{active_span, decided, redact, trace_state};
use crate::context::TraceContext;
use crate::sampler::Sampler;
use crate::settings::Propagators;
use sre_kit_metrics::internal::Link;

/// The attributes of an outbound request.
#[derive(Debug)]
pub struct ClientRequest<'a> {
    /// The method as metrics label it.
    pub method: &'static str,
    /// The method as it is sent.
    pub original: Method,
    /// The target.
    pub uri: Uri,
    /// The host, for the attribute `server.address`.
    pub address: &'a str,
    /// The port, for the attribute `server.port`.
    pub port: Option<u16>,
}

/// The traces of a client: starts one span per sampled outbound request.
#[derive(Clone, Debug)]
pub struct ClientTraces {
    pub(crate) tracer: Option<SdkTracer>,
    pub(crate) sampler: Sampler,
    pub(crate) propagators: Propagators,
}

/// The span of one outbound request.
#[derive(Debug)]
pub struct ClientSpan {
    context: TraceContext,
    otel: Context,
}

impl ClientTraces {
    /// Adds the context to `headers`, and builds a span if the trace is sampled.
    pub fn start(
        &self,
        request: &ClientRequest<'_>,
        headers: &mut HeaderMap,
    ) -> Option<ClientSpan> {
        let parent = active_span();
        let trace =
            parent.map_or_else(|| TraceContext::random(false), |parent| parent.child(false));
        // The decision for the parent holds for its children.
        let sampled = parent.map_or_else(
            || self.sampler.should_sample(trace.trace_id().to_u128(), None),
            |parent| parent.is_sampled(),
        );
        let Some(tracer) = self.tracer.as_ref().filter(|_| sampled) else {
            self.inject(parent.map(outbound), headers);
            return None;
        };
        let context = trace.with_sampled(true);
        let otel = span(tracer, context, request);
        self.inject(Some(context), headers);
        Some(ClientSpan { context, otel })
    }

    /// Adds `context` and the current baggage to `headers`.
    pub(crate) fn inject(&self, context: Option<TraceContext>, headers: &mut HeaderMap) {
        if let Some(context) = context.filter(|_| self.propagators.trace_context) {
            if let Ok(value) = HeaderValue::from_bytes(context.traceparent().as_bytes()) {
                headers.insert("traceparent", value);
            }
            let state = Context::map_current(trace_state::header);
            if let Some(state) = HeaderValue::from_str(&state).ok().filter(|v| !v.is_empty()) {
                headers.insert("tracestate", state);
            }
        }
        if self.propagators.baggage && Context::map_current(|current| !current.baggage().is_empty())
        {
            BaggagePropagator::new().inject_context(&Context::current(), &mut Headers(headers));
        }
    }
}

/// Returns the context that an outbound call without a span of its own propagates.
///
/// A call of an unsampled request has an id of its own, as the recommendation requires. In a sampled
/// trace the id is that of the calling span: one that is never exported would disconnect the spans
/// on both sides of it.
pub(crate) fn outbound(parent: TraceContext) -> TraceContext {
    if parent.is_sampled() { parent } else { parent.child(false) }
}

impl ClientSpan {
    /// Returns the ids of the span, for an exemplar.
    pub fn link(&self) -> Link {
        let (trace_id, span_id) = (self.context.trace_id(), self.context.span_id());
        Link { trace_id: trace_id.to_u128(), span_id: span_id.to_u64() }
    }

    /// Ends the span. `failed` sets its status to `Error`.
    pub fn end(self, status: Option<StatusCode>, error_type: &str, failed: bool) {
        let span = self.otel.span();
        if let Some(status) = status {
            let code = i64::from(status.as_u16());
            span.set_attribute(KeyValue::new("http.response.status_code", code));
        }
        if !error_type.is_empty() {
            span.set_attribute(KeyValue::new("error.type", error_type.to_owned()));
            if failed {
                span.set_status(Status::error(""));
            }
        }
        span.end();
    }
}

/// Builds the span, with the attributes that the semantic conventions name for HTTP clients.
///
/// Source: <https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client-span>
fn span(tracer: &SdkTracer, context: TraceContext, request: &ClientRequest<'_>) -> Context {
    let known = request.method != "_OTHER";
    let mut attributes = vec![
        KeyValue::new("http.request.method", request.method),
        KeyValue::new("server.address", request.address.to_owned()),
        KeyValue::new("url.full", redact::url(&request.uri)),
    ];
    if let Some(port) = request.port {
        attributes.push(KeyValue::new("server.port", i64::from(port)));
    }
    if !known {
        let original = request.original.as_str().to_owned();
        attributes.push(KeyValue::new("http.request.method_original", original));
    }
    let name = if known { request.method } else { "HTTP" };
    let parent = Context::current();
    let builder = tracer.span_builder(name).with_kind(SpanKind::Client).with_attributes(attributes);
    let span = decided::with_ids(context, || builder.start_with_context(tracer, &parent));
    parent.with_span(span)
}

struct Headers<'a>(&'a mut HeaderMap);

impl Injector for Headers<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (key.parse::<HeaderName>(), HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{ClientRequest, ClientTraces, HeaderMap, Method, TraceContext};
    use crate::context::attach;
    use crate::sampler::Sampler;
    use crate::settings::Propagators;

    /// Returns the contexts that two calls within `request` send.
    fn two_calls(request: TraceContext) -> Vec<TraceContext> {
        let propagators = Propagators { trace_context: true, baggage: true };
        let client = ClientTraces { tracer: None, sampler: Sampler::always_off(), propagators };
        let outgoing = ClientRequest {
            method: "GET",
            original: Method::GET,
            uri: "http://a.example/".parse().expect("valid"),
            address: "a.example",
            port: None,
        };
        let _request = attach(Some(request));
        let sent = [(); 2].map(|()| {
            let mut headers = HeaderMap::new();
            assert!(client.start(&outgoing, &mut headers).is_none());
            TraceContext::from_traceparent(headers["traceparent"].as_bytes()).expect("valid")
        });
        sent.into()
    }

    #[test]
    fn each_call_of_an_unsampled_request_has_an_id_of_its_own() {
        let request = TraceContext::with_flags(7, 8, 2).expect("valid");
        let sent = two_calls(request);
        let spans: HashSet<_> = sent.iter().map(TraceContext::span_id).collect();
        assert!(spans.len() == 2 && !spans.contains(&request.span_id()), "{sent:?}");
        assert!(sent.iter().all(|one| one.trace_id() == request.trace_id() && one.flags() == 2));
    }

    #[test]
    fn a_call_of_a_sampled_request_without_a_span_of_its_own_has_the_id_of_the_request() {
        let request = TraceContext::with_flags(7, 8, 3).expect("valid");
        assert_eq!(two_calls(request), [request, request]);
    }
}
