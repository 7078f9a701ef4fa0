//! What a request costs in allocations once its series exist: nothing.

use std::convert::Infallible;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use sre_kit::golden_signals::{GoldenSignals, GoldenSignalsService, RouteSource, Routes};
use sre_kit::metrics::{Registry, TextFormat};
use tower::{Layer, Service, service_fn};

/// Drives one request to the end of its body, on this thread and with no runtime.
fn drive<S, C>(service: &mut GoldenSignalsService<S>, request: Request<()>)
where
    S: Service<Request<()>, Response = Response<C>, Error = Infallible>,
    C: Body<Data = Bytes> + Unpin,
{
    let mut cx = Context::from_waker(Waker::noop());
    let mut future = pin!(service.call(request));
    let Poll::Ready(Ok(response)) = future.as_mut().poll(&mut cx) else {
        panic!("the service is ready at once")
    };
    let mut body = pin!(response.into_body());
    while let Poll::Ready(Some(_)) = body.as_mut().poll_frame(&mut cx) {}
}

fn request(path: &'static str) -> Request<()> {
    Request::get(path).header("content-length", "3").body(()).expect("valid")
}

/// Allocations of the layer: those of the wrapped service less those of the bare one.
fn measured(source: impl Into<RouteSource>, cancel: bool) -> u64 {
    let signals = GoldenSignals::builder(&Registry::new()).routes(source).build().expect("valid");
    let mut service = signals.layer().layer(service_fn(|request: Request<()>| {
        let status = if request.uri().path() == "/items/1" { 200 } else { 503 };
        let body = Full::new(Bytes::from_static(b"hello"));
        let response = Response::builder().status(status).body(body).expect("valid");
        std::future::ready(Ok::<_, Infallible>(response))
    }));
    let warm = || [request("/items/1"), request("/items/2"), request("/nowhere")];
    for request in warm() {
        drive(&mut service, request);
    }
    drop(service.call(request("/items/1")));
    let requests: Vec<_> = (0..100).flat_map(|_| warm()).collect();
    allocation_counter::measure(|| {
        for request in requests {
            if cancel {
                drop(service.call(request));
            } else {
                drive(&mut service, request);
            }
        }
    })
    .count_total
}

fn table() -> Routes {
    Routes::new(["/items/{id}", "/"]).expect("valid")
}

#[test]
fn a_request_allocates_nothing_with_a_table() {
    assert_eq!(measured(table(), false), 0);
}

#[test]
fn a_request_allocates_nothing_with_a_function() {
    let source = RouteSource::from_fn(|head| head.uri.path().starts_with("/items").then_some("i"));
    assert_eq!(measured(source, false), 0);
}

#[test]
fn a_cancelled_request_allocates_nothing() {
    let source = RouteSource::from_fn(|_| None);
    assert_eq!(measured(source, true), 0);
}

#[test]
fn the_counter_would_notice() {
    let counted = allocation_counter::measure(|| drop(std::hint::black_box(Box::new(1_u64))));
    assert_eq!(counted.count_total, 1);
}

#[test]
fn a_second_scrape_allocates_no_more_than_a_few_scratch_rows() {
    let registry = Registry::new();
    let family = registry.counter_family("jobs_total", "Jobs.", &["n"]).expect("valid");
    for n in 0..1_000 {
        family.with(&[&n.to_string()]).inc();
    }
    let mut text = String::new();
    registry.encode_text(&mut text, TextFormat::OpenMetrics);
    text.clear();
    let scrape = allocation_counter::measure(|| {
        registry.encode_text(&mut text, TextFormat::OpenMetrics);
    });
    assert!(scrape.count_total < 20, "{} allocations for 1 000 series", scrape.count_total);
}
