//! The service that stands between hyper and the user's service.
//!
//! It counts requests, refuses those with a bad `Host`, adds [`ConnectionInfo`] to the others, and
//! asks HTTP/1 clients to reconnect elsewhere once the drain has begun.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::header::{CONNECTION, CONTENT_LENGTH};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper_util::service::{TowerToHyperService, TowerToHyperServiceFuture};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::connection::{Connection, RequestGuard};
use super::connection_info::ConnectionInfo;
use super::host;
use super::phase::Phase;
use super::request_body::{OpenBodyHandle, RequestBody};
use super::stream_executor::{self, Turn};

/// A service that passes the requests of one connection to clones of the user's service.
pub(super) struct Dispatch<S> {
    service: TowerToHyperService<S>,
    connection: Arc<Connection>,
}

impl<S> Dispatch<S> {
    pub(super) fn new(service: S, connection: Arc<Connection>) -> Self {
        Self { service: TowerToHyperService::new(service), connection }
    }
}

impl<S, B> hyper::service::Service<Request<Incoming>> for Dispatch<S>
where
    S: Service<Request<RequestBody>, Response = Response<B>> + Clone,
    B: Body,
{
    type Response = Response<ServedBody<B>>;
    type Error = S::Error;
    type Future = DispatchFuture<S>;

    fn call(&self, mut request: Request<Incoming>) -> DispatchFuture<S> {
        let guard = RequestGuard::begin(&self.connection);
        let is_valid = host::is_valid(&request);
        if !is_valid {
            self.connection.shared.stats.bad_host();
        }
        request.extensions_mut().insert(ConnectionInfo::new(&self.connection));
        let (request, body) = RequestBody::wrap(request, &self.connection);
        DispatchFuture {
            body,
            is_head: request.method() == Method::HEAD,
            multiplexed: self.connection.state.is_multiplexed(),
            guard: Some(guard),
            future: is_valid.then(|| self.service.call(request)),
        }
    }
}

pin_project! {
    /// The future of one response.
    pub(super) struct DispatchFuture<S>
    where
        S: Service<Request<RequestBody>>,
    {
        // `None` for a request that is answered 400.
        #[pin]
        future: Option<TowerToHyperServiceFuture<S, Request<RequestBody>>>,
        guard: Option<RequestGuard>,
        // The request body, if it has not arrived yet.
        body: Option<OpenBodyHandle>,
        is_head: bool,
        multiplexed: bool,
    }
}

impl<S, B> Future for DispatchFuture<S>
where
    S: Service<Request<RequestBody>, Response = Response<B>>,
    B: Body,
{
    type Output = Result<Response<ServedBody<B>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Some(future) = this.future.as_pin_mut() else {
            return Poll::Ready(Ok(bad_request(this.guard.take(), *this.multiplexed)));
        };
        let mut response = ready!(future.poll(cx))?;
        if let Some(body) = this.body.take() {
            body.answered();
        }
        // Hyper asks for the body when the client has room for it.
        stream_executor::report(Turn::Client);
        let status = response.status();
        let mut without_body = false;
        if *this.multiplexed {
            // On HTTP/1 hyper never sends the body of such a response. On HTTP/2 it would, and the
            // client would treat it as a protocol error.
            let status_without_body =
                matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
            without_body = *this.is_head || status_without_body;
            if *this.is_head && !status_without_body {
                declare_length(&mut response);
            }
        } else if status != StatusCode::SWITCHING_PROTOCOLS {
            let draining = this
                .guard
                .as_ref()
                .is_some_and(|guard| guard.connection().shared.phase() >= Phase::Announced);
            if draining {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
        }
        let guard = this.guard.take();
        Poll::Ready(Ok(response.map(|inner| {
            let inner = (!without_body).then_some(inner);
            ServedBody { inner, _guard: guard }
        })))
    }
}

/// Returns the response to a request with a bad `Host`, after which an HTTP/1 connection is closed.
fn bad_request<B>(guard: Option<RequestGuard>, multiplexed: bool) -> Response<ServedBody<B>> {
    let mut response = Response::new(ServedBody { inner: None, _guard: guard });
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

pin_project! {
    /// A response body that counts its request as in flight until it is dropped.
    pub(super) struct ServedBody<B> {
        // `None` for a response without a body.
        #[pin]
        inner: Option<B>,
        _guard: Option<RequestGuard>,
    }
}

impl<B: Body> Body for ServedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let Some(inner) = self.project().inner.as_pin_mut() else { return Poll::Ready(None) };
        let polled = inner.poll_frame(cx);
        let turn = if polled.is_pending() { Turn::Service } else { Turn::Client };
        stream_executor::report(turn);
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or(SizeHint::with_exact(0), Body::size_hint)
    }
}

impl<B> fmt::Debug for ServedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServedBody")
            .field("has_body", &self.inner.is_some())
            .finish_non_exhaustive()
    }
}
