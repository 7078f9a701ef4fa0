//! The sampling decision for inbound requests, taken before a span is built.

use std::sync::Arc;
use std::time::SystemTime;

use http::HeaderMap;
use opentelemetry::trace::{SpanKind, TraceContextExt, Tracer};
use opentelemetry_sdk::trace::SdkTracer;

use super::attributes::RequestAttributes;
use super::request_trace::{PropagatedFields, RequestTrace};
use crate::context::TraceContext;
use crate::sampler::Sampler;
use crate::settings::Propagators;
use crate::traces::{decided, extract};

/// The traces of a server: starts one per inbound request. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct ServerTraces {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// `None` if spans are not recorded; contexts are propagated in any case.
    tracer: Option<SdkTracer>,
    sampler: Sampler,
    propagators: Propagators,
}

impl ServerTraces {
    pub(crate) fn new(
        tracer: Option<SdkTracer>,
        sampler: Sampler,
        propagators: Propagators,
    ) -> Self {
        Self { inner: Arc::new(Inner { tracer, sampler, propagators }) }
    }

    /// Takes the sampling decision for a request, and builds its span if it is sampled.
    ///
    /// An unsampled request costs the lookup of one header and two random numbers. It allocates
    /// only if the caller sent `tracestate` or `baggage`, which have to be propagated.
    #[inline]
    pub fn start(&self, request: &RequestAttributes<'_>) -> RequestTrace {
        let Inner { tracer, sampler, propagators } = &*self.inner;
        let parent = extract::parent(request.headers, *propagators);
        let trace =
            parent.map_or_else(|| TraceContext::random(false), |parent| parent.child(false));
        if let Some(tracer) = tracer
            && sampler.should_sample(trace.trace_id().to_u128(), parent.as_ref())
        {
            let context = trace.with_sampled(true);
            let fields = sampled(tracer, *propagators, parent, context, request);
            return RequestTrace::new(context, Some(fields));
        }
        // A process without a tracer passes the context of a sampled caller on unchanged: a span id
        // that is never exported would disconnect the spans on both sides of it.
        let unchanged = parent.filter(|parent| tracer.is_none() && parent.is_sampled());
        let context = unchanged.unwrap_or(trace);
        let has_parent = parent.is_some();
        let fields = extract::has_state_or_baggage(request.headers, *propagators, has_parent)
            .then(|| unsampled(request.headers, *propagators, context, has_parent));
        RequestTrace::new(context, fields)
    }
}

#[cold]
fn unsampled(
    headers: &HeaderMap,
    propagators: Propagators,
    context: TraceContext,
    has_parent: bool,
) -> PropagatedFields {
    let otel = extract::remote_context(headers, propagators, Some(context), has_parent);
    PropagatedFields { otel, started: SystemTime::UNIX_EPOCH }
}

/// Builds the span of a sampled request.
#[cold]
fn sampled(
    tracer: &SdkTracer,
    propagators: Propagators,
    parent: Option<TraceContext>,
    context: TraceContext,
    request: &RequestAttributes<'_>,
) -> PropagatedFields {
    let started = SystemTime::now();
    let remote = extract::remote_context(request.headers, propagators, parent, true);
    let builder = tracer
        .span_builder(request.span_name())
        .with_kind(SpanKind::Server)
        .with_start_time(started)
        .with_attributes(request.to_key_values());
    let span = decided::with_ids(context, || builder.start_with_context(tracer, &remote));
    PropagatedFields { otel: remote.with_span(span), started }
}
