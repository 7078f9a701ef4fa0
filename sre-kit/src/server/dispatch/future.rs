use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::header::{CONNECTION, CONTENT_LENGTH};
use http::{HeaderValue, Response, StatusCode};
use http_body::Body;
use pin_project_lite::pin_project;

use super::body::ServedBody;
use crate::server::connection::{Connection, RequestGuard};
use crate::server::phase::Phase;
use crate::server::request_body::OpenBodyHandle;
use crate::server::stream_executor::{self, Turn};

pin_project! {
    /// The future of one response.
    pub(in crate::server) struct DispatchFuture<F> {
        // `None` for a request that is answered 400.
        #[pin]
        pub(super) future: Option<F>,
        pub(super) guard: Option<RequestGuard>,
        // The request body, if it has not arrived yet.
        pub(super) body: Option<OpenBodyHandle>,
        pub(super) is_head: bool,
        pub(super) is_connect: bool,
        pub(super) multiplexed: bool,
    }
}

impl<F, B, E> Future for DispatchFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
{
    type Output = Result<Response<ServedBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Some(future) = this.future.as_pin_mut() else {
            return Poll::Ready(Ok(bad_request(this.guard.take(), *this.multiplexed)));
        };
        // Read and changed in place: moving a response costs more than the rest.
        let mut polled = future.poll(cx);
        let mut without_body = false;
        if let Poll::Ready(Ok(response)) = &mut polled {
            if let Some(body) = this.body.take() {
                body.answered();
            }
            // Hyper asks for the body when the client has room for it.
            stream_executor::report(Turn::Client);
            if *this.multiplexed {
                without_body = prepare_http2(response, *this.is_head);
            } else if let Some(guard) = this.guard.as_ref() {
                prepare_http1(response, guard.connection(), *this.is_connect);
            }
        }
        match polled {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(response)) => {
                let guard = this.guard.take();
                Poll::Ready(Ok(
                    response.map(|inner| ServedBody::new((!without_body).then_some(inner), guard))
                ))
            }
        }
    }
}

/// Asks the client to reconnect elsewhere once the drain has begun.
#[inline]
fn prepare_http1<B>(response: &mut Response<B>, connection: &Connection, is_connect: bool) {
    let status = response.status();
    if status == StatusCode::SWITCHING_PROTOCOLS || (is_connect && status.is_success()) {
        // Before hyper hands the socket over.
        connection.state.set_upgrading();
    } else if connection.shared.phase() >= Phase::Announced {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
}

/// Returns whether the response must not have a body.
///
/// On HTTP/1 hyper never sends the body of such a response. On HTTP/2 it would, and the client would
/// treat it as a protocol error.
fn prepare_http2<B: Body>(response: &mut Response<B>, is_head: bool) -> bool {
    let status_without_body =
        matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if is_head && !status_without_body {
        declare_length(response);
    }
    is_head || status_without_body
}

/// Returns the response to a request with a bad `Host`, after which an HTTP/1 connection is closed.
fn bad_request<B>(guard: Option<RequestGuard>, multiplexed: bool) -> Response<ServedBody<B>> {
    let mut response = Response::new(ServedBody::new(None, guard));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    if !multiplexed {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Sets `Content-Length` if the length is known, as hyper does for a body that it sends.
fn declare_length<B: Body>(response: &mut Response<B>) {
    if let Some(length) = response.body().size_hint().exact()
        && !response.headers().contains_key(CONTENT_LENGTH)
    {
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
}
