use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::permit::Permit;

pin_project! {
    /// A response body that holds the permit of its request until it ends.
    ///
    /// It ends at `None`, at an error, at trailers, if `is_end_stream` is true, or when it is
    /// dropped. A server drops it once it has sent as many bytes as the head declares. The body of
    /// a refusal is empty.
    pub struct AdmissionBody<B> {
        // `None` in a refusal.
        #[pin]
        inner: Option<B>,
        // After `inner`, so that the inner body is dropped before the permit is released.
        permit: Option<Permit>,
    }
}

impl<B: Body> AdmissionBody<B> {
    #[inline]
    pub(crate) fn new(inner: B, permit: Option<Permit>) -> Self {
        let permit = permit.filter(|_| !inner.is_end_stream());
        Self { inner: Some(inner), permit }
    }
}

impl<B> AdmissionBody<B> {
    pub(crate) fn empty() -> Self {
        Self { inner: None, permit: None }
    }

    /// Returns the inner body, or `None` in a refusal.
    pub fn get_ref(&self) -> Option<&B> {
        self.inner.as_ref()
    }
}

impl<B: Body> Body for AdmissionBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    #[inline]
    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = self.project();
        let Some(mut inner) = this.inner.as_pin_mut() else { return Poll::Ready(None) };
        // Moved out while foreign code runs, so that a panic releases the permit.
        let permit = this.permit.take();
        let polled = inner.as_mut().poll_frame(cx);
        if permit.is_none() {
            return polled;
        }
        let Poll::Ready(frame) = polled else {
            *this.permit = permit;
            return Poll::Pending;
        };
        let ended = match &frame {
            Some(Ok(frame)) => frame.is_trailers() || inner.is_end_stream(),
            Some(Err(_)) | None => true,
        };
        if !ended {
            *this.permit = permit;
        }
        Poll::Ready(frame)
    }

    #[inline]
    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    // Forwarded, because hyper would otherwise send a body of known length in chunks.
    #[inline]
    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl<B> Default for AdmissionBody<B> {
    fn default() -> Self {
        Self::empty()
    }
}

impl<B> fmt::Debug for AdmissionBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdmissionBody").field("permit", &self.permit).finish_non_exhaustive()
    }
}
