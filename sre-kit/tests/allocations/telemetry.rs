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

/// An exporter that takes no batch before the lock is free: a collector that does not answer.
#[derive(Debug)]
struct Stuck(std::sync::Arc<std::sync::Mutex<()>>);

impl opentelemetry_sdk::trace::SpanExporter for Stuck {
    async fn export(&self, _: Vec<SpanData>) -> opentelemetry_sdk::error::OTelSdkResult {
        drop(self.0.lock());
        Ok(())
    }
}

#[test]
fn a_client_with_headers_of_60_kb_fills_no_more_than_8_mib_of_the_queue() {
    let lock = std::sync::Arc::new(std::sync::Mutex::new(()));
    let held = lock.lock().expect("no panic");
    let telemetry = Telemetry::builder()
        .sampler(Sampler::always_on())
        .span_exporter(Stuck(std::sync::Arc::clone(&lock)))
        .build()
        .expect("valid");
    let signals = GoldenSignals::builder().telemetry(&telemetry).build(&Registry::new());
    let mut service = signals.expect("valid").layer().layer(service_fn(|_: Request<()>| {
        let body = Full::new(Bytes::from_static(b"hello"));
        std::future::ready(Ok::<_, Infallible>(Response::new(body)))
    }));
    let (part, long) = ("x".repeat(20_000), "x".repeat(60_000));
    let state = format!("a={}", "s".repeat(250));
    let mut drive = || {
        let request = Request::get(format!("/{part}?q={part}"))
            .header("host", &part)
            .header("user-agent", &long)
            .header("traceparent", PARENT)
            .header("tracestate", &state)
            .body(())
            .expect("valid");
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(Ok(response)) = pin!(service.call(request)).poll(&mut cx) else {
            panic!("the service is ready at once")
        };
        let mut body = pin!(response.into_body());
        while let Poll::Ready(Some(_)) = body.as_mut().poll_frame(&mut cx) {}
    };
    drive();
    // What the exporter holds is part of it, because this thread has allocated it.
    let memory = allocation_counter::measure(|| (0..4_000).for_each(|_| drive()));
    let kept = memory.bytes_current;
    assert!(kept > 1024 * 1024, "the queue is full: {kept}");
    assert!(kept <= 8 * 1024 * 1024, "{kept} bytes");
    drop(held);
}
