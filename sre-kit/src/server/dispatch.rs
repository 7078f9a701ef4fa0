//! The service that stands between hyper and the user's service.
//!
//! It counts requests, adds [`ConnectionInfo`] to them, and asks HTTP/1 clients to reconnect
//! elsewhere once the drain has begun.

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
use super::phase::Phase;

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
    S: Service<Request<Incoming>, Response = Response<B>> + Clone,
    B: Body,
{
    type Response = Response<ServedBody<B>>;
    type Error = S::Error;
    type Future = DispatchFuture<S>;

    fn call(&self, mut request: Request<Incoming>) -> DispatchFuture<S> {
        let guard = RequestGuard::begin(&self.connection);
        request.extensions_mut().insert(ConnectionInfo::new(&self.connection));
        DispatchFuture {
            is_head: request.method() == Method::HEAD,
            multiplexed: self.connection.state.is_multiplexed(),
            guard: Some(guard),
            future: self.service.call(request),
        }
    }
}

pin_project! {
    /// The future of one response.
    pub(super) struct DispatchFuture<S>
    where
        S: Service<Request<Incoming>>,
    {
        #[pin]
        future: TowerToHyperServiceFuture<S, Request<Incoming>>,
        guard: Option<RequestGuard>,
        is_head: bool,
        multiplexed: bool,
    }
}

impl<S, B> Future for DispatchFuture<S>
where
    S: Service<Request<Incoming>, Response = Response<B>>,
    B: Body,
{
    type Output = Result<Response<ServedBody<B>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.future.poll(cx))?;
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
        Poll::Ready(Ok(response.map(|inner| ServedBody { inner, without_body, _guard: guard })))
    }
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
        #[pin]
        inner: B,
        without_body: bool,
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
        let this = self.project();
        if *this.without_body {
            return Poll::Ready(None);
        }
        this.inner.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.without_body || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.without_body { SizeHint::with_exact(0) } else { self.inner.size_hint() }
    }
}

impl<B> fmt::Debug for ServedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServedBody")
            .field("without_body", &self.without_body)
            .finish_non_exhaustive()
    }
}
