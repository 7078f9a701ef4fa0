//! Durations, by a clock that stands still unless the test moves it.

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
use super::clock::Clock;
use crate::metrics::{Registry, TextFormat};

/// A body whose one frame takes `wait` to come.
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
async fn one_clock_stops_at_the_head_and_the_other_at_the_end_of_the_body() {
    let registry = Registry::new();
    let (clock, mock) = Clock::manual();
    let signals = GoldenSignals::builder(&registry).clock(clock).build().expect("valid");
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
    assert_eq!(sum("http_server_time_to_headers_seconds"), "0.1");
    // Two polls of the body: its frame, and its end.
    assert_eq!(sum("http_server_request_duration_seconds"), "0.5");
}

#[tokio::test]
async fn a_cancelled_request_has_lasted_until_it_was_dropped() {
    let registry = Registry::new();
    let (clock, mock) = Clock::manual();
    let signals = GoldenSignals::builder(&registry).clock(clock).build().expect("valid");
    let mut service = signals.layer().layer(service_fn(|_: Request<()>| {
        std::future::pending::<Result<Response<http_body_util::Empty<Bytes>>, Infallible>>()
    }));
    let future = service.call(Request::new(()));
    mock.increment(Duration::from_secs(30));
    drop(future);
    let mut text = String::new();
    registry.encode_text(&mut text, TextFormat::Prometheus);
    assert!(text.contains("http_server_request_duration_seconds_sum{http_request_method=\"GET\",url_scheme=\"http\",error_type=\"canceled\",network_protocol_version=\"1.1\"} 30.0\n"), "{text}");
    let line = "http_server_time_to_headers_seconds_count{http_request_method=\"GET\",url_scheme=\"http\"} 0\n";
    assert!(text.contains(line), "there was no head");
}
