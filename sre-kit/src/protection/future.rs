use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use http_body::Body;
use http_body_util::{Either, Empty};
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};

use crate::golden_signals::Outcome;

pin_project! {
    /// The response future of a [`BoundService`](super::BoundService).
    ///
    /// Dropping it drops the request.
    #[must_use = "futures do nothing unless polled"]
    pub struct BoundFuture<F> {
        // `None` once it was dropped, or if the body is too large.
        #[pin]
        inner: Option<F>,
        // Set when the service is pending for the first time, so that a service that is ready at once
        // needs no timer.
        #[pin]
        timer: Option<Sleep>,
        time: Option<Duration>,
        grpc: bool,
    }
}

impl<F> BoundFuture<F> {
    #[inline]
    pub(super) fn new(inner: F, time: Option<Duration>, grpc: bool) -> Self {
        Self { inner: Some(inner), timer: None, time, grpc }
    }

    #[cold]
    pub(super) fn too_large() -> Self {
        Self { inner: None, timer: None, time: None, grpc: false }
    }
}

impl<F, C, E> Future for BoundFuture<F>
where
    F: Future<Output = Result<Response<C>, E>>,
    C: Body,
{
    type Output = Result<Response<Either<C, Empty<C::Data>>>, E>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(inner) = this.inner.as_mut().as_pin_mut() else {
            return Poll::Ready(Ok(empty(StatusCode::PAYLOAD_TOO_LARGE)));
        };
        if let Poll::Ready(result) = inner.poll(cx) {
            return Poll::Ready(result.map(|response| response.map(Either::Left)));
        }
        let Some(time) = *this.time else { return Poll::Pending };
        if this.timer.is_none() {
            this.timer.set(Some(sleep(time)));
        }
        let is_over = this.timer.as_pin_mut().is_some_and(|timer| timer.poll(cx).is_ready());
        if !is_over {
            return Poll::Pending;
        }
        // The work ends before its answer is sent.
        this.inner.set(None);
        Poll::Ready(Ok(timed_out(*this.grpc)))
    }
}

fn empty<C: Body>(status: StatusCode) -> Response<Either<C, Empty<C::Data>>> {
    let mut response = Response::new(Either::Right(Empty::new()));
    *response.status_mut() = status;
    response
}

/// Returns the answer to a request whose time is over.
#[cold]
fn timed_out<C: Body>(grpc: bool) -> Response<Either<C, Empty<C::Data>>> {
    let mut response = if grpc {
        // DEADLINE_EXCEEDED, in a response that is trailers only.
        let mut response = empty(StatusCode::OK);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert("grpc-status", HeaderValue::from_static("4"));
        response
    } else {
        empty(StatusCode::GATEWAY_TIMEOUT)
    };
    response.extensions_mut().insert(Outcome::Timeout);
    response
}

impl<F> fmt::Debug for BoundFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundFuture").field("time", &self.time).finish_non_exhaustive()
    }
}
