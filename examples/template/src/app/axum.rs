//! The routes and their handlers.

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;
use sre_kit::golden_signals::RouteSource;
use sre_kit::{ConfigError, SreKit};

/// Returns where the labels of the routes come from: axum knows which route matched.
pub fn routes() -> Result<RouteSource, ConfigError> {
    Ok(RouteSource::axum())
}

/// Returns the service. Add your routes here.
pub fn service(kit: &SreKit) -> Router {
    Router::new()
        .route("/hello/{name}", get(hello))
        .fallback(async || (StatusCode::NOT_FOUND, "Try /hello/you.\n"))
        // Last, so that the layer sees the route that matched, and the fallback.
        .layer(kit.http_layer())
}

async fn hello(Path(name): Path<String>) -> String {
    format!("Hello, {name}.\n")
}
