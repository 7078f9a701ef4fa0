//! The service that the scenes use.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::{any, get};
use bytes::Bytes;
use http_body::Frame;
use http_body_util::StreamBody;
use tokio_stream::{StreamExt, iter};

/// The bytes in each of the two parts of `/parts`.
pub(super) const PART: usize = 1_000;
/// The delay of the second part.
pub(super) const PAUSE: Duration = Duration::from_millis(60);

pub(super) fn router() -> Router {
    Router::new()
        .route("/", any(async || "hello"))
        .route("/pending", get(std::future::pending::<()>))
        .route("/panic", get(async || -> &'static str { panic!("as asked") }))
        .route("/parts", get(async || parts()))
}

/// A body of two parts without a declared length. The second part is delayed.
fn parts() -> Body {
    let part = || Ok::<_, Infallible>(Frame::data(Bytes::from_static(&[b'x'; PART])));
    let late = iter([part()]).then(|part| async {
        tokio::time::sleep(PAUSE).await;
        part
    });
    Body::new(StreamBody::new(iter([part()]).chain(late)))
}
