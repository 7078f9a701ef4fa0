//! The routes and their handlers.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use sre_kit::golden_signals::Routes;
use sre_kit::server::{HttpService, RequestBody};
use sre_kit::{ConfigError, SreKit};
use tower::ServiceBuilder;

/// Returns the routes, which are the labels of the metrics. Add yours here.
pub fn routes() -> Result<Routes, ConfigError> {
    Routes::new(["/hello/{name}"])
}

/// Returns the service.
pub fn service(kit: &SreKit) -> impl HttpService + use<> {
    ServiceBuilder::new()
        .layer(kit.http_layer())
        .service_fn(answer)
}

/// Answers a request. Handle your routes here.
async fn answer(request: Request<RequestBody>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (status, text) = match request.uri().path().strip_prefix("/hello/") {
        Some(name) => (StatusCode::OK, format!("Hello, {name}.\n")),
        None => (StatusCode::NOT_FOUND, "Try /hello/you.\n".to_owned()),
    };
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    Ok(response)
}
