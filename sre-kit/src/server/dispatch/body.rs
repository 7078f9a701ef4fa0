use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::server::connection::RequestGuard;
use crate::server::stream_executor::{self, Turn};

pin_project! {
    /// A response body that counts its request as in flight until it is dropped.
    pub(in crate::server) struct ServedBody<B> {
        // `None` for a response without a body.
        #[pin]
        inner: Option<B>,
        _guard: Option<RequestGuard>,
    }
}

impl<B> ServedBody<B> {
    pub(super) fn new(inner: Option<B>, guard: Option<RequestGuard>) -> Self {
        Self { inner, _guard: guard }
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
