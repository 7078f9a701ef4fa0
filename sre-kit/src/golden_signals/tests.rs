//! Tests of durations with a manual clock.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, StreamBody};
use tower::{Layer, Service, service_fn};

use super::GoldenSignals;
use crate::metrics::{Registry, TextFormat};
use crate::slo::{Budget, Budgets, Objective, Slo, Slos};
use sre_kit_core::internal::Clock;

/// Returns a body of one frame, each poll of which takes `wait`.
fn slow_body(
    clock: Arc<quanta::Mock>,
    wait: Duration,
) -> impl Body<Data = Bytes, Error = Infallible> + Unpin {
    let mut frames = [Bytes::from_static(b"x")].into_iter();
    StreamBody::new(futures_util::stream::poll_fn(move |_| {
        clock.increment(wait);
        Poll::Ready(frames.next().map(|data| Ok(Frame::data(data))))
    }))
}

#[tokio::test]
async fn time_to_headers_ends_at_the_head_and_duration_at_the_end_of_the_body() {
    let registry = Registry::new();
    let (clock, mock) = Clock::manual();
    let signals = GoldenSignals::builder().clock(clock).build(&registry).expect("valid");
    let mut service = signals.layer().layer(service_fn(|_: Request<()>| {
        mock.increment(Duration::from_millis(100));
        let body = slow_body(Arc::clone(&mock), Duration::from_millis(200));
        std::future::ready(Ok::<_, Infallible>(Response::new(body)))
    }));
    let Ok(response) = service.call(Request::new(())).await;
    response.into_body().collect().await.expect("infallible");

    let mut text = String::new();
    registry.encode_text(&mut text, TextFormat::Prometheus);
    let sum = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(&format!("{name}_sum{{")));
        line.and_then(|line| line.rsplit(' ').next()).expect("recorded").to_owned()
    };
    assert_eq!(sum("sre_kit_http_server_time_to_headers_seconds"), "0.1");
    // The body is polled twice: for its frame and for its end.
    assert_eq!(sum("http_server_request_duration_seconds"), "0.5");
}

#[tokio::test]
async fn the_duration_of_a_cancelled_request_ends_when_it_is_dropped() {
    let registry = Registry::new();
    let (clock, mock) = Clock::manual();
    let signals = GoldenSignals::builder().clock(clock).build(&registry).expect("valid");
    let mut service = signals.layer().layer(service_fn(|_: Request<()>| {
        std::future::pending::<Result<Response<http_body_util::Empty<Bytes>>, Infallible>>()
    }));
    let future = service.call(Request::new(()));
    mock.increment(Duration::from_secs(30));
    drop(future);
    let mut text = String::new();
    registry.encode_text(&mut text, TextFormat::Prometheus);
    assert!(text.contains("http_server_request_duration_seconds_sum{http_request_method=\"GET\",url_scheme=\"http\",error_type=\"canceled\",network_protocol_version=\"1.1\"} 30.0\n"), "{text}");
    let line = "sre_kit_http_server_time_to_headers_seconds_count{http_request_method=\"GET\",url_scheme=\"http\"} 0\n";
    assert!(text.contains(line), "there was no head");
}

/// A latency SLO of 300 ms on a layer with a manual clock.
struct Latency {
    signals: GoldenSignals,
    clock: Arc<quanta::Mock>,
    budget: Budget,
}

fn latency(shape: impl Fn(Slo) -> Slo) -> Latency {
    let registry = Registry::new();
    let objective = Objective::percent(99.0).expect("valid");
    let slo = shape(Slo::latency("latency", objective, Duration::from_millis(300)));
    let slos = Slos::new("test", [slo]).expect("valid");
    let budgets = Budgets::new(&registry, &slos).expect("valid");
    let (clock, mock) = Clock::manual();
    let signals =
        GoldenSignals::builder().clock(clock).slos(&budgets).build(&registry).expect("valid");
    Latency { signals, clock: mock, budget: budgets.slo("latency").expect("defined") }
}

impl Latency {
    /// Sends a request whose head and body take this long. Returns the good and bad events.
    async fn request(&self, head: Duration, body: Duration, read_body: bool) -> (u64, u64) {
        let mut service = self.signals.layer().layer(service_fn(|_: Request<()>| {
            self.clock.increment(head);
            // The body is polled twice: for its frame and for its end.
            let body = slow_body(Arc::clone(&self.clock), body / 2);
            std::future::ready(Ok::<_, Infallible>(Response::new(body)))
        }));
        let Ok(response) = service.call(Request::new(())).await;
        if read_body {
            response.into_body().collect().await.expect("infallible");
        } else {
            drop(response);
        }
        self.budget.totals()
    }

    /// Drops a request after `wait`, before its response head. Returns the good and bad events.
    fn dropped_after(&self, wait: Duration) -> (u64, u64) {
        let mut service = self.signals.layer().layer(service_fn(|_: Request<()>| {
            std::future::pending::<Result<Response<http_body_util::Empty<Bytes>>, Infallible>>()
        }));
        let future = service.call(Request::new(()));
        self.clock.increment(wait);
        drop(future);
        self.budget.totals()
    }
}

const MS: Duration = Duration::from_millis(1);

#[tokio::test]
async fn a_latency_slo_compares_the_real_duration_to_the_end_of_the_body() {
    let latency = latency(|slo| slo);
    assert_eq!(latency.request(100 * MS, 200 * MS, true).await, (1, 0), "on the threshold");
    let nearly = 200 * MS + Duration::from_nanos(2);
    assert_eq!(latency.request(100 * MS, nearly, true).await, (1, 1), "2 ns above it");
    assert_eq!(latency.request(250 * MS, 100 * MS, true).await, (1, 2));
}

#[tokio::test]
async fn a_latency_slo_may_end_at_the_head() {
    let latency = latency(Slo::until_headers);
    assert_eq!(latency.request(300 * MS, 10_000 * MS, true).await, (1, 0), "the body is free");
    assert_eq!(latency.request(301 * MS, Duration::ZERO, true).await, (1, 1));
    assert_eq!(latency.dropped_after(301 * MS), (1, 2), "no head came in time");
}

#[tokio::test]
async fn a_client_abort_after_the_threshold_is_a_bad_event() {
    let latency = latency(|slo| slo);
    assert_eq!(latency.dropped_after(300 * MS), (0, 0), "it says nothing about the service");
    assert_eq!(latency.budget.excluded_total()[0], ("client_abort", 1));
    assert_eq!(latency.dropped_after(301 * MS), (0, 1));
    assert_eq!(
        latency.request(301 * MS, Duration::ZERO, false).await,
        (0, 2),
        "dropped in the body"
    );
    let excluding = self::latency(|slo| slo.exclude("aborted_before_headers", "client_abort"));
    assert_eq!(excluding.dropped_after(301 * MS), (0, 0));
}

fn answer(
    _: Request<()>,
) -> std::future::Ready<Result<Response<http_body_util::Empty<Bytes>>, Infallible>> {
    std::future::ready(Ok(Response::new(http_body_util::Empty::new())))
}

#[tokio::test]
async fn a_clone_that_outlives_its_layer_still_counts() {
    let registry = Registry::new();
    let signals = GoldenSignals::builder().build(&registry).expect("valid");
    let service = signals.layer().layer(service_fn(answer));
    let mut clones: Vec<_> = (0..4)
        .map(|_| {
            let service = service.clone();
            // Cloned on a thread that may have another shard.
            std::thread::spawn(move || service.clone()).join().expect("cloning does not panic")
        })
        .collect();
    drop((signals, service));
    for service in &mut clones {
        let mut clone = service.clone();
        let Ok(_) = clone.call(Request::new(())).await;
    }
    let mut text = String::new();
    registry.encode_text(&mut text, TextFormat::Prometheus);
    let line = "sre_kit_http_server_requests_started_total{http_request_method=\"GET\",url_scheme=\"http\"} 4\n";
    assert!(text.contains(line), "{text}");
}

#[tokio::test]
async fn a_layer_is_freed_with_its_last_request() {
    let held = Arc::new(());
    let rule = Arc::clone(&held);
    let registry = Registry::new();
    let signals = GoldenSignals::builder()
        .stream_if(move |_| Arc::strong_count(&rule) == 0)
        .build(&registry)
        .expect("valid");
    let mut service = signals.layer().layer(service_fn(answer));
    let Ok(response) = service.clone().call(Request::new(())).await;
    let pending = service.call(Request::new(()));
    drop((signals, service, response));
    assert_eq!(Arc::strong_count(&held), 2, "a request is in flight");
    drop(pending);
    assert_eq!(Arc::strong_count(&held), 1, "the registry alone keeps no layer");
}
