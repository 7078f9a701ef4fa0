//! What a request costs in allocations once its series exist: nothing.

use std::convert::Infallible;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use sre_kit::golden_signals::{GoldenSignals, GoldenSignalsService, RouteSource, Routes};
use sre_kit::metrics::{Buckets, Format, Registry, Samples};
use sre_kit::slo::{Budgets, Objective, Slo, Slos};
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

/// Two SLOs that every request is an event of, one of which leaves some out.
fn budgets(registry: &Registry) -> Budgets {
    let objective = Objective::percent(99.9).expect("valid");
    let slos = [
        Slo::availability("availability", objective).exclude_marked("synthetic"),
        Slo::latency("latency", objective, std::time::Duration::from_millis(300)),
    ];
    Budgets::new(registry, &Slos::new("test", slos).expect("valid")).expect("valid")
}

/// Allocations of the layer: those of the wrapped service less those of the bare one.
fn measured(source: impl Into<RouteSource>, cancel: bool) -> u64 {
    let registry = Registry::new();
    let signals = GoldenSignals::builder()
        .routes(source)
        .slos(&budgets(&registry))
        .slo_exclusion(|head| head.uri.path().ends_with('2').then_some("synthetic"))
        .build(&registry)
        .expect("valid");
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
fn counting_an_event_and_asking_whether_it_burns_allocates_nothing() {
    let registry = Registry::new();
    let budget = budgets(&registry).slo("availability").expect("defined");
    budget.record_good();
    let counted = allocation_counter::measure(|| {
        for _ in 0..100 {
            budget.record_good();
            budget.record_bad();
            budget.record_excluded("synthetic");
            std::hint::black_box(budget.burning_fast());
            std::hint::black_box(budget.burn_rate(sre_kit::slo::Window::hours(1)));
        }
    });
    assert_eq!(counted.count_total, 0);
}

#[test]
fn the_counter_would_notice() {
    let counted = allocation_counter::measure(|| drop(std::hint::black_box(Box::new(1_u64))));
    assert_eq!(counted.count_total, 1);
}

/// Allocations of a scrape into buffers that have grown already.
fn of_a_scrape(series: usize, format: Format) -> u64 {
    let registry = Registry::builder().shards(4).build().expect("valid");
    let jobs = registry.counter_family("jobs_total", "Jobs.", &["n"]).expect("valid");
    let buckets = Buckets::seconds([0.1, 1.0]).expect("valid");
    let waits = registry.histogram_family("wait_seconds", "Waits.", &buckets, &["n"]);
    let waits = waits.expect("valid");
    for n in 0..series {
        jobs.with(&[&n.to_string()]).inc();
        waits.with(&[&n.to_string()]).observe(0.2);
    }
    let loads = move |samples: &mut Samples<'_>| {
        for _ in 0..series {
            samples.push(&["a load"], 0.123);
        }
    };
    registry.gauge_fn("load_ratio", "Load.", &["of"], loads).expect("valid");
    let mut out = Vec::new();
    registry.encode(format, &mut out);
    out.clear();
    allocation_counter::measure(|| registry.encode(format, &mut out)).count_total
}

#[test]
fn a_second_scrape_of_text_allocates_nothing_per_series() {
    for format in [Format::Prometheus, Format::OpenMetrics] {
        assert_eq!(of_a_scrape(1, format), of_a_scrape(1_000, format), "{format:?}");
    }
    assert!(of_a_scrape(1_000, Format::Prometheus) < 20);
}

#[cfg(feature = "protobuf")]
#[test]
fn a_second_scrape_of_protobuf_grows_its_buffers_and_no_more() {
    // A family is put together before its length is known: some doublings.
    assert!(of_a_scrape(1_000, Format::Protobuf) < 60 + of_a_scrape(1, Format::Protobuf));
}
