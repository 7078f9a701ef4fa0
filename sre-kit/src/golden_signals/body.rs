use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::in_flight::{InFlight, PanicGuard};

pin_project! {
    /// A response body that knows when it has ended.
    ///
    /// "Polled to `None`" is not how most bodies end: hyper stops polling once
    /// `is_end_stream` is true, or once it has as many bytes as `Content-Length`
    /// says, and it never polls the body of a HEAD, 204 or 304 response on
    /// HTTP/1. A body has ended at `None`, an error, trailers, `is_end_stream`
    /// after a frame, or when as many bytes as were declared went by. Dropped
    /// before that, it counts `aborted_mid_body`.
    pub struct ResponseBody<B> {
        #[pin]
        inner: B,
        in_flight: Option<InFlight>,
        // Bytes that the head declares, if it does.
        declared: Option<u64>,
    }
}

impl<B: Body> ResponseBody<B> {
    #[inline]
    pub(crate) fn new(
        inner: B,
        mut in_flight: Option<InFlight>,
        declared: Option<u64>,
        no_body: bool,
    ) -> Self {
        if no_body || declared == Some(0) || inner.is_end_stream() {
            complete(&mut in_flight);
        }
        Self { inner, in_flight, declared }
    }
}

impl<B> ResponseBody<B> {
    /// The body within.
    pub fn get_ref(&self) -> &B {
        &self.inner
    }
}

#[inline]
fn complete(in_flight: &mut Option<InFlight>) {
    if let Some(in_flight) = in_flight.take() {
        in_flight.complete();
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
        let guard = PanicGuard::new(this.in_flight);
        let polled = this.inner.as_mut().poll_frame(cx);
        guard.disarm();
        let frame = ready!(polled);
        match &frame {
            Some(Ok(frame)) => {
                let mut ended = false;
                if let Some(in_flight) = this.in_flight.as_mut() {
                    if let Some(data) = frame.data_ref() {
                        in_flight.sent(data.remaining());
                        ended = this.declared.is_some_and(|n| in_flight.response_bytes() >= n);
                    } else if let Some(trailers) = frame.trailers_ref() {
                        in_flight.trailers(trailers);
                        ended = true;
                    }
                }
                if ended || this.inner.is_end_stream() {
                    complete(this.in_flight);
                }
            }
            Some(Err(_)) => {
                if let Some(in_flight) = this.in_flight.take() {
                    in_flight.body_error();
                }
            }
            None => complete(this.in_flight),
        }
        Poll::Ready(frame)
    }

    #[inline]
    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    // Without it hyper would send chunks where the inner body has a length.
    #[inline]
    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<B: Default> Default for ResponseBody<B> {
    fn default() -> Self {
        Self { inner: B::default(), in_flight: None, declared: None }
    }
}

impl<B> fmt::Debug for ResponseBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody")
            .field("in_flight", &self.in_flight)
            .field("declared", &self.declared)
            .finish_non_exhaustive()
    }
}
