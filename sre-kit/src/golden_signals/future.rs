use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Response;
use pin_project_lite::pin_project;

use super::body::ResponseBody;
use super::head::ResponseHead;
use super::in_flight::{InFlight, PanicGuard};

pin_project! {
    /// The future of a [`GoldenSignalsService`](super::GoldenSignalsService).
    ///
    /// Dropping it before it is ready counts `aborted_before_headers`.
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        in_flight: Option<InFlight>,
        head_only: bool,
    }
}

impl<F> ResponseFuture<F> {
    #[inline]
    pub(crate) fn new(inner: F, in_flight: Option<InFlight>, head_only: bool) -> Self {
        Self { inner, in_flight, head_only }
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
        let guard = PanicGuard::new(this.in_flight);
        let polled = this.inner.poll(cx);
        guard.disarm();
        let result = ready!(polled);
        let in_flight = this.in_flight.take();
        match result {
            Ok(response) => Poll::Ready(Ok(wrap(response, in_flight, *this.head_only))),
            Err(error) => {
                if let Some(in_flight) = in_flight {
                    in_flight.service_error(&error);
                }
                Poll::Ready(Err(error))
            }
        }
    }
}

#[inline]
fn wrap<C: http_body::Body>(
    response: Response<C>,
    mut in_flight: Option<InFlight>,
    head_only: bool,
) -> Response<ResponseBody<C>> {
    let declared = super::classify::declared_bytes(&response);
    if let Some(in_flight) = &mut in_flight {
        in_flight.head(ResponseHead::of(&response), response.body().size_hint().exact());
    }
    let no_body = head_only || super::classify::has_no_body(response.status());
    response.map(|body| ResponseBody::new(body, in_flight, declared, no_body))
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").field("in_flight", &self.in_flight).finish_non_exhaustive()
    }
}
