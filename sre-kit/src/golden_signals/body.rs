use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::guard::{PanicGuard, complete};
use super::in_flight::InFlight;
use super::trace;

pin_project! {
    /// The response body of a [`GoldenSignalsService`](super::GoldenSignalsService).
    ///
    /// Most bodies are not polled until they return `None`. hyper stops polling once
    /// `is_end_stream` is true or once it has as many bytes as `Content-Length` says, and on HTTP/1
    /// it never polls the body of a HEAD, 204 or 304 response. A body has therefore ended
    ///
    /// - at `None`, at an error or at trailers,
    /// - if `is_end_stream` is true after a frame, or
    /// - once as many bytes were sent as the head declares.
    ///
    /// Dropping it before that counts the request as
    /// [`Outcome::AbortedMidBody`](super::Outcome::AbortedMidBody).
    pub struct ResponseBody<B> {
        #[pin]
        inner: B,
        in_flight: Option<InFlight>,
    }
}

impl<B> ResponseBody<B> {
    #[inline]
    pub(crate) fn new(inner: B, in_flight: Option<InFlight>) -> Self {
        Self { inner, in_flight }
    }

    /// Returns the inner body.
    pub fn get_ref(&self) -> &B {
        &self.inner
    }
}

impl<B: Body> Body for ResponseBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    #[inline]
    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let mut this = self.project();
        if this.in_flight.is_none() {
            return this.inner.poll_frame(cx);
        }
        let _current = trace::enter(this.in_flight.as_ref().map(InFlight::trace));
        let guard = PanicGuard::new(this.in_flight);
        let polled = this.inner.as_mut().poll_frame(cx);
        guard.disarm();
        // Read in place: moving a frame costs as much as counting it.
        if let (Poll::Ready(frame), Some(in_flight)) = (&polled, this.in_flight.as_mut()) {
            let ended = match frame {
                Some(Ok(frame)) => in_flight.frame(frame) || this.inner.is_end_stream(),
                Some(Err(_)) => {
                    in_flight.body_error();
                    true
                }
                None => true,
            };
            if ended {
                complete(this.in_flight);
            }
        }
        polled
    }

    #[inline]
    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    // Forwarded, because hyper would otherwise send a body of known length in chunks.
    #[inline]
    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<B: Default> Default for ResponseBody<B> {
    fn default() -> Self {
        Self { inner: B::default(), in_flight: None }
    }
}

impl<B> fmt::Debug for ResponseBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody").field("in_flight", &self.in_flight).finish_non_exhaustive()
    }
}
