//! Routes as an axum router matched them.
#![cfg(feature = "axum")]

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::Request;
use http_body_util::BodyExt;
use sre_kit::golden_signals::{GoldenSignals, Outcome, RouteSource};
use sre_kit::metrics::{Registry, TextFormat};
use tower::ServiceExt;

async fn call(app: &Router, path: &str) {
    let request = Request::get(path).body(Body::empty()).expect("valid");
    let response = app.clone().oneshot(request).await.expect("infallible");
    response.into_body().collect().await.expect("a body");
}

fn routes(registry: &Registry) -> Vec<String> {
    let mut text = String::new();
    registry.encode_text(&mut text, TextFormat::Prometheus);
    text.lines()
        .filter_map(|line| line.strip_prefix("sre_kit_http_server_requests_started_total{"))
        .map(|labels| labels.split("url_scheme").next().unwrap_or("").to_owned())
        .collect()
}

fn signals(registry: &Registry) -> GoldenSignals {
    GoldenSignals::builder().routes(RouteSource::axum()).build(registry).expect("valid")
}

#[tokio::test]
async fn the_route_is_the_matched_path_and_never_the_raw_one() {
    let registry = Registry::new();
    let signals = signals(&registry);
    let app = Router::new()
        .route("/items/{id}", get(|| async { "item" }))
        .nest("/api", Router::new().route("/users/{id}", get(|| async { "user" })))
        .layer(signals.layer());
    for i in 0..100 {
        call(&app, &format!("/items/{i}")).await;
        call(&app, &format!("/api/users/{i}")).await;
        call(&app, &format!("/invented/{i}")).await;
    }
    let mut routes = routes(&registry);
    routes.sort();
    assert_eq!(
        routes,
        [
            "http_request_method=\"GET\",",
            "http_request_method=\"GET\",http_route=\"/api/users/{id}\",",
            "http_request_method=\"GET\",http_route=\"/items/{id}\",",
        ]
    );
    assert_eq!(signals.ended(Outcome::Ok), 200);
    assert_eq!(signals.ended(Outcome::ClientError), 100, "404 without a route");
}

#[tokio::test]
async fn a_router_that_was_rebuilt_is_still_told_apart() {
    let registry = Registry::new();
    let signals = signals(&registry);
    // Each router is dropped before the next: an address could come again.
    for i in 0..200 {
        let path = format!("/route{}", i % 4);
        let app = Router::new().route(&path, get(|| async {})).layer(signals.layer());
        call(&app, &path).await;
    }
    assert_eq!(routes(&registry).len(), 4);
    let mut text = String::new();
    registry.encode_text(&mut text, TextFormat::Prometheus);
    for i in 0..4 {
        let line = format!("http_route=\"/route{i}\",url_scheme=\"http\"}} 50\n");
        assert!(text.contains(&line), "{line} in {text}");
    }
}

#[tokio::test]
async fn nested_services_make_an_address_per_request_and_still_one_route() {
    let registry = Registry::new();
    let signals = signals(&registry);
    let inner = Router::new().route("/deep/{id}", get(|| async {})).layer(signals.layer());
    let app = Router::new().nest_service("/outer", inner);
    for i in 0..100 {
        call(&app, &format!("/outer/deep/{i}")).await;
    }
    assert_eq!(routes(&registry), ["http_request_method=\"GET\",http_route=\"/outer/deep/{id}\","]);
    assert_eq!(signals.started(), 100);
}
