use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tower::BoxError;
use tower_service::Service;

use super::body::OutboundBody;
use super::call::Call;
use super::future::OutboundFuture;
use super::shared::Shared;
use crate::RequestHead;

/// A client that records its calls. Created by [`OutboundLayer`](super::OutboundLayer).
///
/// Its error is a [`BoxError`], as that of `tower`'s own middlewares, because the cause of a failed
/// call lies in the chain of its error. `downcast_ref` returns the error of the client.
#[derive(Clone)]
pub struct OutboundService<S> {
    inner: S,
    shared: Arc<Shared>,
    peer: Option<usize>,
}

impl<S> OutboundService<S> {
    pub(super) fn new(inner: S, shared: Arc<Shared>, peer: Option<usize>) -> Self {
        Self { inner, shared, peer }
    }

    /// Returns the client.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns the client by value.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, B, C> Service<Request<B>> for OutboundService<S>
where
    S: Service<Request<B>, Response = Response<C>>,
    S::Error: Into<BoxError>,
    B: Body,
    C: Body,
    C::Error: Into<BoxError>,
{
    type Response = Response<OutboundBody<C>>;
    type Error = BoxError;
    type Future = OutboundFuture<S::Future>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    #[inline]
    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let head = RequestHead::of(&request);
        let peer = match self.peer {
            Some(peer) => peer,
            None => self.shared.addressed(head),
        };
        let declared = || sre_kit_core::internal::content_length(head.headers);
        let bytes = request.body().size_hint().exact().or_else(declared);
        let mut call = Call::start(&self.shared, peer, head, bytes);
        call.start_trace(&mut request);
        let inner = self.inner.call(request);
        call.called();
        OutboundFuture { inner, call: Some(call) }
    }
}

impl<S: fmt::Debug> fmt::Debug for OutboundService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutboundService").field("inner", &self.inner).finish_non_exhaustive()
    }
}
