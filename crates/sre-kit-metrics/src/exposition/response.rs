//! The responses of an exposition.

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, VARY,
};
use http::{HeaderName, HeaderValue, Response, StatusCode};

use super::body::ExpositionBody;

pub(super) type ScrapeResponse = Response<ExpositionBody>;

/// Keeps a browser from reading a label value as anything but text.
const NOSNIFF: (HeaderName, &str) = (HeaderName::from_static("x-content-type-options"), "nosniff");

/// Returns a response with encoded metrics. That to a `HEAD` request has no body.
pub(super) fn metrics(
    body: ExpositionBody,
    content_type: HeaderValue,
    gzip: bool,
    head: bool,
) -> ScrapeResponse {
    let length = HeaderValue::from(body.left());
    let body = if head { ExpositionBody::whole(Bytes::new()) } else { body };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, length);
    headers.insert(CONTENT_TYPE, content_type);
    if gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    for (name, value) in
        [(VARY, "accept, accept-encoding"), (CACHE_CONTROL, "no-store"), (NOSNIFF.0, NOSNIFF.1)]
    {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Returns a response with status 405.
pub(super) fn method_not_allowed() -> ScrapeResponse {
    let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "metrics are read with GET\n");
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

/// Returns a response with status 503 and `Retry-After`.
pub(super) fn unavailable(reason: &'static str) -> ScrapeResponse {
    let mut response = plain(StatusCode::SERVICE_UNAVAILABLE, reason);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

/// Returns a response with status 500.
pub(super) fn failed(reason: &'static str) -> ScrapeResponse {
    plain(StatusCode::INTERNAL_SERVER_ERROR, reason)
}

fn plain(status: StatusCode, text: &'static str) -> ScrapeResponse {
    let mut response = Response::new(ExpositionBody::whole(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
