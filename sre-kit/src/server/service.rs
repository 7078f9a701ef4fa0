//! Between hyper and the service: counts requests, tells them their connection,
//! and tells clients to go elsewhere once the drain has begun.

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

use super::connection::{Conn, ConnectionInfo, RequestGuard};
use super::shared::Phase;

/// Hands the requests of one connection to clones of the service.
pub(super) struct Dispatch<S> {
    service: TowerToHyperService<S>,
    conn: Arc<Conn>,
}

impl<S> Dispatch<S> {
    pub(super) fn new(service: S, conn: Arc<Conn>) -> Self {
        Self { service: TowerToHyperService::new(service), conn }
    }
}

impl<S, B> hyper::service::Service<Request<Incoming>> for Dispatch<S>
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone,
    B: Body,
{
    type Response = Response<ServedBody<B>>;
    type Error = S::Error;
    type Future = Answer<S>;

    fn call(&self, mut request: Request<Incoming>) -> Answer<S> {
        let guard = RequestGuard::begin(&self.conn);
        request.extensions_mut().insert(ConnectionInfo::new(&self.conn));
        Answer {
            is_head: request.method() == Method::HEAD,
            multiplexed: self.conn.is_multiplexed(),
            guard: Some(guard),
            future: self.service.call(request),
        }
    }
}

pin_project! {
    /// The response of one request.
    pub(super) struct Answer<S>
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

impl<S, B> Future for Answer<S>
where
    S: Service<Request<Incoming>, Response = Response<B>>,
    B: Body,
{
    type Output = Result<Response<ServedBody<B>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.future.poll(cx))?;
        let status = response.status();
        let mut silent = false;
        if *this.multiplexed {
            // HTTP/1 never sends the body of such a response; on HTTP/2 hyper
            // would, and the client would take it for a protocol error.
            let bare = matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
            silent = *this.is_head || bare;
            if *this.is_head && !bare {
                declare_length(&mut response);
            }
        } else if status != StatusCode::SWITCHING_PROTOCOLS {
            let draining =
                this.guard.as_ref().is_some_and(|g| g.conn().shared.phase() >= Phase::Announced);
            if draining {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
        }
        let guard = this.guard.take();
        Poll::Ready(Ok(response.map(|inner| ServedBody { inner, silent, _guard: guard })))
    }
}

/// What hyper does for a body that it sends.
fn declare_length<B: Body>(response: &mut Response<B>) {
    if let Some(length) = response.body().size_hint().exact()
        && !response.headers().contains_key(CONTENT_LENGTH)
    {
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
}

pin_project! {
    /// A response body that keeps its request counted.
    pub(super) struct ServedBody<B> {
        #[pin]
        inner: B,
        silent: bool,
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
        if *this.silent {
            return Poll::Ready(None);
        }
        this.inner.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.silent || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.silent { SizeHint::with_exact(0) } else { self.inner.size_hint() }
    }
}

impl<B> fmt::Debug for ServedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServedBody").field("silent", &self.silent).finish_non_exhaustive()
    }
}
