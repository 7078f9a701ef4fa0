//! The span of a request that is served, if it is sampled at all.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::uri::Authority;
use http::{HeaderMap, Method, StatusCode, Uri, header};
use opentelemetry::trace::{SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, ContextGuard, KeyValue};
use opentelemetry_sdk::trace::SdkTracer;

use super::{extract, ids, redact};
use crate::context::{Attached, TraceContext, attach};
use crate::sampler::Sampler;
use crate::settings::Propagators;

/// What a server knows of a request when it arrives.
pub struct Arrival<'a> {
    pub method: &'a Method,
    /// The method as metrics name it: `_OTHER` for those that nobody knows.
    pub method_name: &'static str,
    pub uri: &'a Uri,
    pub version: &'static str,
    pub scheme: &'static str,
    pub headers: &'a HeaderMap,
    pub route: Option<&'a str>,
}

/// What a server knows of a request when it has ended.
#[derive(Clone, Copy, Debug)]
pub struct Departure<'a> {
    pub status: Option<StatusCode>,
    pub error_type: Option<&'a str>,
    /// Whether the server is at fault.
    pub failed: bool,
    pub outcome: &'static str,
    pub response_bytes: Option<u64>,
    /// From the arrival to the end, as the metric has it.
    pub nanos: u64,
}

/// Starts the traces of requests.
#[derive(Clone, Debug)]
pub struct ServerTraces {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// Nothing is recorded without one; contexts are propagated all the same.
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

    /// Decides on the trace of a request, and builds its span where it is sampled.
    ///
    /// An unsampled request costs a look at one header and two random numbers. It
    /// allocates only where the caller sent state or baggage to pass on.
    #[inline]
    pub fn start(&self, arrival: &Arrival<'_>) -> RequestTrace {
        let Inner { tracer, sampler, propagators } = &*self.inner;
        let parent = extract::parent(arrival.headers, *propagators);
        let trace =
            parent.map_or_else(|| TraceContext::random(false), |parent| parent.child(false));
        if let Some(tracer) = tracer
            && sampler.keeps(trace.trace_id().to_u128(), parent.as_ref())
        {
            let context = trace.with_sampled(true);
            let started = SystemTime::now();
            let otel = span(tracer, *propagators, parent, context, arrival, started);
            return RequestTrace { context, carried: Some(Box::new(Carried { otel, started })) };
        }
        // A process that records nothing leaves its caller's context as it is: a
        // span of its own, never seen, would tear the trace apart.
        let context = parent.filter(|_| tracer.is_none()).unwrap_or(trace);
        let carried = extract::has_more(arrival.headers, *propagators)
            .then(|| Box::new(passed_on(arrival.headers, *propagators, context)));
        RequestTrace { context, carried }
    }
}

/// The trace of one request, from its start to its one end.
pub struct RequestTrace {
    context: TraceContext,
    carried: Option<Box<Carried>>,
}

/// What OpenTelemetry has to know of a request.
struct Carried {
    /// With the span, or what an unsampled request has to pass on.
    otel: Context,
    started: SystemTime,
}

#[cold]
fn passed_on(headers: &HeaderMap, propagators: Propagators, context: TraceContext) -> Carried {
    let otel = extract::remote(headers, propagators, Some(context));
    Carried { otel, started: SystemTime::UNIX_EPOCH }
}

/// The trace is current until this is dropped.
pub struct Current {
    _context: Attached,
    _carried: Option<ContextGuard>,
}

impl RequestTrace {
    /// Creates the trace of a request that is not sampled, for tests.
    pub fn unsampled() -> Self {
        Self { context: TraceContext::random(false), carried: None }
    }

    pub fn context(&self) -> TraceContext {
        self.context
    }

    /// Makes the trace current on this thread.
    #[inline]
    pub fn enter(&self) -> Current {
        Current {
            _context: attach(Some(self.context)),
            _carried: self.carried.as_ref().map(|carried| carried.otel.clone().attach()),
        }
    }

    /// Lets go of all but its ids, which take no memory.
    pub fn forget(&mut self) {
        self.carried = None;
    }

    /// Ends the span. What was not sampled has nothing to end.
    pub fn end(&self, departure: &Departure<'_>) {
        let Some(Carried { otel, started }) = self.carried.as_deref() else { return };
        if !self.context.is_sampled() {
            return;
        }
        let span = otel.span();
        if let Some(status) = departure.status {
            span.set_attribute(KeyValue::new(
                "http.response.status_code",
                i64::from(status.as_u16()),
            ));
        }
        if let Some(bytes) = departure.response_bytes.and_then(|bytes| i64::try_from(bytes).ok()) {
            span.set_attribute(KeyValue::new("http.response.body.size", bytes));
        }
        span.set_attribute(KeyValue::new("sre_kit.outcome", departure.outcome));
        if let Some(error) = departure.error_type {
            span.set_attribute(KeyValue::new("error.type", error.to_owned()));
        }
        if departure.failed {
            span.set_status(Status::error(""));
        }
        // The same duration as the metric's, which clocks of their own would not give.
        span.end_with_timestamp(*started + Duration::from_nanos(departure.nanos));
    }
}

/// Builds the span, with the attributes that the conventions for HTTP servers name.
#[cold]
fn span(
    tracer: &SdkTracer,
    propagators: Propagators,
    parent: Option<TraceContext>,
    context: TraceContext,
    arrival: &Arrival<'_>,
    started: SystemTime,
) -> Context {
    let mut attributes = Vec::with_capacity(10);
    attributes.push(KeyValue::new("http.request.method", arrival.method_name));
    attributes.push(KeyValue::new("url.path", arrival.uri.path().to_owned()));
    attributes.push(KeyValue::new("url.scheme", arrival.scheme));
    if let Some(query) = arrival.uri.query() {
        attributes.push(KeyValue::new("url.query", redact::query(query).into_owned()));
    }
    if let Some(route) = arrival.route {
        attributes.push(KeyValue::new("http.route", route.to_owned()));
    }
    if !arrival.version.is_empty() {
        attributes.push(KeyValue::new("network.protocol.version", arrival.version));
    }
    if let Some(agent) = arrival.headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok()) {
        attributes.push(KeyValue::new("user_agent.original", agent.to_owned()));
    }
    attributes.extend(server_address(arrival));
    let known = arrival.method_name != "_OTHER";
    if !known {
        let original = arrival.method.as_str().to_owned();
        attributes.push(KeyValue::new("http.request.method_original", original));
    }
    let method = if known { arrival.method_name } else { "HTTP" };
    let name = match arrival.route {
        Some(route) => format!("{method} {route}").into(),
        None => std::borrow::Cow::Borrowed(method),
    };
    let remote = extract::remote(arrival.headers, propagators, parent);
    let builder = tracer
        .span_builder(name)
        .with_kind(SpanKind::Server)
        .with_start_time(started)
        .with_attributes(attributes);
    let span = ids::build_as(context, || builder.start_with_context(tracer, &remote));
    remote.with_span(span)
}

/// Host and port that the client asked for.
fn server_address(arrival: &Arrival<'_>) -> impl Iterator<Item = KeyValue> {
    let host = arrival.headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let authority = arrival
        .uri
        .authority()
        .cloned()
        .or_else(|| host.and_then(|host| host.parse::<Authority>().ok()));
    let port = authority.as_ref().and_then(Authority::port_u16);
    let address = authority.map(|a| KeyValue::new("server.address", a.host().to_owned()));
    address.into_iter().chain(port.map(|port| KeyValue::new("server.port", i64::from(port))))
}
