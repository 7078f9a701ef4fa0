//! What tracing costs a request that is not sampled, in allocations: nothing.
#![cfg(feature = "telemetry")]

use std::convert::Infallible;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use opentelemetry_sdk::trace::SpanData;
use sre_kit::golden_signals::{GoldenSignals, Routes};
use sre_kit::metrics::Registry;
use sre_kit::telemetry::{Sampler, Telemetry, TraceContext};
use tower::{Layer, Service, service_fn};

#[path = "../rust/support/telemetry.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod support;

use support::Kept;

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

/// Allocations of a hundred requests that are under way already.
fn measured(sampler: Sampler, traceparent: Option<&'static str>) -> u64 {
    let registry = Registry::new();
    let spans = Kept::<SpanData>::default();
    let telemetry = Telemetry::builder().sampler(sampler).span_exporter(spans);
    let telemetry = telemetry.build().expect("valid");
    let signals = GoldenSignals::builder()
        .routes(Routes::new(["/items/{id}"]).expect("valid"))
        .telemetry(&telemetry)
        .build(&registry)
        .expect("valid");
    let mut service = signals.layer().layer(service_fn(|_: Request<()>| {
        assert!(TraceContext::current().is_some(), "each request has a trace");
        // A span of the handler's own, which is not built for nothing.
        let _span = tracing::info_span!("work").entered();
        let body = Full::new(Bytes::from_static(b"hello"));
        std::future::ready(Ok::<_, Infallible>(Response::new(body)))
    }));
    let request = || {
        let request = Request::get("/items/1");
        let request = traceparent.into_iter().fold(request, |r, v| r.header("traceparent", v));
        request.body(()).expect("valid")
    };
    let mut drive = |request| {
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(Ok(response)) = pin!(service.call(request)).poll(&mut cx) else {
            panic!("the service is ready at once")
        };
        let mut body = pin!(response.into_body());
        while let Poll::Ready(Some(_)) = body.as_mut().poll_frame(&mut cx) {}
    };
    drive(request());
    let requests: Vec<_> = (0..100).map(|_| request()).collect();
    allocation_counter::measure(|| requests.into_iter().for_each(&mut drive)).count_total
}

#[test]
fn an_unsampled_request_allocates_nothing_for_its_trace() {
    assert_eq!(measured(Sampler::always_off(), None), 0);
    assert_eq!(measured(Sampler::default(), Some(PARENT)), 0);
}

#[test]
fn a_sampled_request_does_or_this_would_measure_nothing() {
    assert!(measured(Sampler::always_on(), None) >= 100);
}
