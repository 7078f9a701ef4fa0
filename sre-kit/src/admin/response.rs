//! The responses that the admin listener writes itself.

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use tower::BoxError;

use super::body::AdminBody;

/// Returns a plain text with a status.
pub(super) fn text(status: StatusCode, text: impl Into<AdminBody>) -> Response<AdminBody> {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// Returns the response of a page that failed. The error is logged and not sent.
pub(super) fn internal_error(error: &BoxError) -> Response<AdminBody> {
    tracing::warn!(%error, "an admin page failed");
    text(StatusCode::INTERNAL_SERVER_ERROR, "the page failed, the log says why\n")
}
