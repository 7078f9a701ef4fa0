use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use tokio::sync::Notify;
use tower::{Layer, Service, ServiceExt};

use super::{Protection, ProtectionLayer};
use crate::admission::Limit;
use crate::golden_signals::GoldenSignals;
use crate::metrics::{Registry, TextFormat};

fn build(protection: Protection) -> (ProtectionLayer, Registry) {
    let registry = Registry::new();
    let signals = GoldenSignals::new(&registry).expect("fresh");
    (protection.build(signals.layer(), &registry).expect("valid"), registry)
}

fn requests(registry: &Registry, outcome: &str) -> u64 {
    let mut text = String::new();
    registry.encode_text(&mut text, TextFormat::Prometheus);
    let with_outcome = format!("outcome=\"{outcome}\"");
    text.lines()
        .filter(|line| line.starts_with("sre_kit_http_server_requests_total"))
        .filter(|line| line.contains(&with_outcome))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
        .sum()
}

/// Answers with the size of the body, or 413 if it is too large.
async fn size<B>(request: Request<Limited<B>>) -> Result<Response<Full<Bytes>>, Infallible>
where
    B: http_body::Body<Error: Into<tower::BoxError>>,
{
    let (status, text) = match request.into_body().collect().await {
        Ok(body) => (StatusCode::OK, body.to_bytes().len().to_string()),
        Err(_) => (StatusCode::PAYLOAD_TOO_LARGE, String::new()),
    };
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    Ok(response)
}

#[tokio::test]
async fn a_declared_body_that_is_too_large_does_not_reach_the_service() {
    let (layer, registry) = build(Protection::new().max_body(3));
    let service = layer.layer(tower::service_fn(size));
    for (body, status) in [("abc", StatusCode::OK), ("abcd", StatusCode::PAYLOAD_TOO_LARGE)] {
        let request = Request::new(Full::<Bytes>::from(body));
        let response = service.clone().oneshot(request).await.expect("infallible");
        assert_eq!(response.status(), status, "{body}");
        drop(response.into_body().collect().await);
    }
    assert_eq!(requests(&registry, "ok"), 1);
    assert_eq!(requests(&registry, "client_error"), 1);
}

#[tokio::test]
async fn a_body_without_a_declared_size_fails_when_too_much_is_read() {
    let (layer, _registry) = build(Protection::new().max_body(3));
    let service = layer.layer(tower::service_fn(size));
    let frames =
        ["ab", "cd"].map(|text| Ok::<_, Infallible>(http_body::Frame::data(Bytes::from(text))));
    let body = StreamBody::new(futures_util::stream::iter(frames));
    let response = service.oneshot(Request::new(body)).await.expect("infallible");
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

/// Runs until it is dropped, and says so.
struct Work(Arc<Notify>);

impl Drop for Work {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_takes_too_long_is_dropped_and_counted_as_a_timeout() {
    let (layer, registry) = build(Protection::new().time_limit(Duration::from_secs(2)));
    let dropped = Arc::new(Notify::new());
    let handler = {
        let dropped = Arc::clone(&dropped);
        move |_: Request<Limited<Full<Bytes>>>| {
            let work = Work(Arc::clone(&dropped));
            async move {
                std::future::pending::<()>().await;
                drop(work);
                Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
            }
        }
    };
    let service = layer.layer(tower::service_fn(handler));
    let began = tokio::time::Instant::now();
    let response = service.clone().oneshot(Request::default()).await.expect("infallible");
    assert_eq!(began.elapsed(), Duration::from_secs(2));
    assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
    dropped.notified().await;
    drop(response.into_body().collect().await);
    assert_eq!(requests(&registry, "timeout"), 1);
    assert_eq!(layer.admission().in_flight(), 0);

    let call = Request::builder().header("content-type", "application/grpc+proto");
    let call = call.body(Full::default()).expect("valid");
    let response = service.oneshot(call).await.expect("infallible");
    assert_eq!(response.headers()["grpc-status"], "4");
    drop(response);
    assert_eq!(requests(&registry, "timeout"), 2);
}

#[tokio::test(start_paused = true)]
async fn the_wait_in_the_queue_is_not_part_of_the_time_limit() {
    let limit = Protection::new().limit(Limit::fixed(1)).queue(1, Duration::from_mins(1));
    let (layer, registry) = build(limit.time_limit(Duration::from_secs(10)));
    let handler = |_: Request<Limited<Full<Bytes>>>| async {
        tokio::time::sleep(Duration::from_secs(8)).await;
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    };
    let service = layer.layer(tower::service_fn(handler));
    let ask = || {
        let mut service = service.clone();
        let answer = service.call(Request::default());
        async move { answer.await.expect("infallible").into_body().collect().await.map(drop) }
    };
    let (first, second) = futures_util::future::join(ask(), ask()).await;
    assert!(first.is_ok() && second.is_ok());
    // The second one waited for eight seconds and then worked for eight.
    assert_eq!(requests(&registry, "ok"), 2);
    assert_eq!(requests(&registry, "timeout"), 0);
}

#[tokio::test]
async fn what_is_above_the_limit_is_refused_and_counted() {
    let (layer, registry) =
        build(Protection::new().limit(Limit::fixed(1)).queue(1, Duration::from_millis(1)));
    let service = layer.layer(tower::service_fn(|_: Request<Limited<Full<Bytes>>>| {
        std::future::pending::<Result<Response<Full<Bytes>>, Infallible>>()
    }));
    let _running = service.clone().call(Request::default());
    let refused = service.oneshot(Request::default()).await.expect("infallible");
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    drop(refused);
    assert_eq!(requests(&registry, "shed"), 1);
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn an_axum_router_takes_the_layer() {
    use axum::routing::post;

    let (layer, registry) = build(Protection::new().max_body(3));
    let router = axum::Router::new().route("/", post(async |body: String| body)).layer(layer);
    for (body, status) in [("abc", StatusCode::OK), ("abcd", StatusCode::PAYLOAD_TOO_LARGE)] {
        let request = Request::post("/").body(axum::body::Body::from(body)).expect("valid");
        let response = router.clone().oneshot(request).await.expect("infallible");
        assert_eq!(response.status(), status, "{body}");
        drop(response.into_body().collect().await);
    }
    assert_eq!(requests(&registry, "ok"), 1);
}

#[test]
fn a_time_limit_that_cannot_work_is_refused_with_a_sentence() {
    for time in [Duration::ZERO, Duration::from_hours(25)] {
        let registry = Registry::new();
        let signals = GoldenSignals::new(&registry).expect("fresh");
        let protection = Protection::new().time_limit(time);
        let error = protection.build(signals.layer(), &registry).expect_err("refused");
        assert_eq!(error.field(), "time_limit");
    }
}
