//! Answers in the listener's own words.

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use tower::BoxError;

use super::body::AdminBody;

/// A plain text with a status.
pub(super) fn text(status: StatusCode, text: impl Into<AdminBody>) -> Response<AdminBody> {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// A page that could not answer. The reason is for the log, not for the wire.
pub(super) fn failed(error: &BoxError) -> Response<AdminBody> {
    tracing::warn!(%error, "an admin page failed");
    text(StatusCode::INTERNAL_SERVER_ERROR, "the page failed, the log says why\n")
}
