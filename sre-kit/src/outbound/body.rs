use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower::BoxError;

use super::call::Call;
use crate::unwind::PanicGuard;

pin_project! {
    /// The response body of an [`OutboundService`](super::OutboundService).
    ///
    /// The call ends at trailers, at an error, at `None`, once `is_end_stream` is true after a
    /// frame, or once as many bytes have arrived as the head declares. Dropping the body before
    /// that counts the call as [`CallOutcome::Canceled`](super::CallOutcome::Canceled).
    pub struct OutboundBody<B> {
        #[pin]
        inner: B,
        call: Option<Call>,
    }
}

impl<B> OutboundBody<B> {
    #[inline]
    pub(super) fn new(inner: B, call: Option<Call>) -> Self {
        Self { inner, call }
    }

    /// Returns the inner body.
    pub fn get_ref(&self) -> &B {
        &self.inner
    }
}

/// Ends the call with a panic.
#[cold]
pub(super) fn panicked(call: &mut Option<Call>) {
    if let Some(mut call) = call.take() {
        call.panicked();
    }
}

impl<B> Body for OutboundBody<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    type Data = B::Data;
    type Error = BoxError;

    #[inline]
    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, BoxError>>> {
        let mut this = self.project();
        let guard = PanicGuard::new(this.call, panicked);
        let polled = this.inner.as_mut().poll_frame(cx);
        guard.disarm();
        match polled {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(call) = this.call.as_mut()
                    && (call.frame(&frame) || this.inner.is_end_stream())
                {
                    call.complete();
                    *this.call = None;
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                let error = error.into();
                if let Some(mut call) = this.call.take() {
                    call.failed(&*error);
                }
                Poll::Ready(Some(Err(error)))
            }
            Poll::Ready(None) => {
                if let Some(mut call) = this.call.take() {
                    call.complete();
                }
                Poll::Ready(None)
            }
        }
    }

    #[inline]
    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    #[inline]
    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<B: Default> Default for OutboundBody<B> {
    fn default() -> Self {
        Self { inner: B::default(), call: None }
    }
}

impl<B> fmt::Debug for OutboundBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutboundBody").field("call", &self.call).finish_non_exhaustive()
    }
}
