//! The probes on an axum router, without a listener of their own.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::Request;
use http_body_util::BodyExt;
use sre_kit::metrics::Registry;
use tower::ServiceExt;

use super::builder;

async fn call(app: &Router, path: &str) -> (u16, String) {
    let request = Request::get(path).body(Body::empty()).expect("valid");
    let response = app.clone().oneshot(request).await.expect("infallible");
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn the_probes_are_routes_of_an_axum_router_nested_or_not() {
    let health = builder().build(&Registry::new()).expect("valid");
    health.spawn();
    health.wait_ready().await;
    let app = Router::new()
        .route("/", get(|| async { "hello" }))
        .route_service("/livez", health.service())
        .route_service("/readyz", health.service())
        .route_service("/readyz/{check}", health.service())
        .nest_service("/internal/health", health.service());
    let ok = (200, "ok\n".to_owned());
    assert_eq!(call(&app, "/").await, (200, "hello".to_owned()));
    for path in ["/livez", "/readyz", "/internal/health/readyz", "/internal/health/startupz"] {
        assert_eq!(call(&app, path).await, ok, "{path}");
    }
    assert_eq!(call(&app, "/readyz/none").await.0, 404);
    health.set_draining("SIGTERM");
    for path in ["/readyz", "/internal/health/readyz"] {
        assert_eq!(call(&app, path).await, (503, "not ready: draining\n".to_owned()), "{path}");
    }

    let app = Router::new().fallback_service(health.service());
    assert_eq!(call(&app, "/livez").await, ok);
}
