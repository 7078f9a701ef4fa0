use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Response;
use pin_project_lite::pin_project;

use super::body::ResponseBody;
use super::guard::{PanicGuard, complete};
use super::in_flight::InFlight;
use super::trace;

pin_project! {
    /// The response future of a [`GoldenSignalsService`](super::GoldenSignalsService).
    ///
    /// Dropping it before it is ready counts the request as
    /// [`Outcome::AbortedBeforeHeaders`](super::Outcome::AbortedBeforeHeaders).
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        #[pin]
        pub(super) inner: F,
        pub(super) in_flight: Option<InFlight>,
    }
}

impl<F, C, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<C>, E>>,
    C: http_body::Body,
    E: 'static,
{
    type Output = Result<Response<ResponseBody<C>>, E>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        // Assigned and read in place: moving a response costs as much as recording it.
        let polled;
        {
            let _current = trace::enter(this.in_flight.as_ref().map(InFlight::trace));
            let guard = PanicGuard::new(this.in_flight);
            polled = this.inner.poll(cx);
            guard.disarm();
            if let Some(in_flight) = &mut *this.in_flight {
                match &polled {
                    Poll::Ready(Ok(response)) if in_flight.head(response) => {
                        complete(this.in_flight);
                    }
                    Poll::Ready(Err(error)) => {
                        in_flight.service_error(error);
                        *this.in_flight = None;
                    }
                    _ => {}
                }
            }
        }
        match polled {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(response)) => {
                let in_flight = this.in_flight.take();
                Poll::Ready(Ok(response.map(|inner| ResponseBody::new(inner, in_flight))))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
        }
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").field("in_flight", &self.in_flight).finish_non_exhaustive()
    }
}
