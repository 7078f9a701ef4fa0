use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::body::ResponseBody;
use super::future::ResponseFuture;
use super::handle::{LayerHandle, ShardedHandles};
use super::in_flight::InFlight;
use super::trace;
use crate::RequestHead;

/// A service that records the golden signals of its requests.
///
/// Created by [`GoldenSignalsLayer`](super::GoldenSignalsLayer).
#[derive(Clone, Debug)]
pub struct GoldenSignalsService<S> {
    inner: S,
    handle: LayerHandle,
}

impl<S> GoldenSignalsService<S> {
    pub(crate) fn new(inner: S, handles: &Arc<ShardedHandles>) -> Self {
        Self { inner, handle: LayerHandle::new(handles) }
    }

    /// Returns the inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns the inner service by value.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, B, C> Service<Request<B>> for GoldenSignalsService<S>
where
    S: Service<Request<B>, Response = Response<C>>,
    S::Error: 'static,
    C: http_body::Body,
{
    type Response = Response<ResponseBody<C>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let mut in_flight = self.handle.start(RequestHead::of(&request));
        if let Some(in_flight) = &mut in_flight {
            in_flight.inspect_request(&mut request);
        }
        let _current = trace::enter(in_flight.as_ref().map(InFlight::trace));
        let inner = self.inner.call(request);
        if let Some(in_flight) = &mut in_flight {
            in_flight.called();
        }
        ResponseFuture { inner, in_flight }
    }
}
