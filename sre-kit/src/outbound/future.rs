use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;
use tower::BoxError;

use super::body::{OutboundBody, panicked};
use super::call::Call;
use crate::unwind::PanicGuard;

pin_project! {
    /// The response future of an [`OutboundService`](super::OutboundService).
    ///
    /// # Cancel safety
    ///
    /// Dropping it before it is ready counts the call as
    /// [`CallOutcome::Canceled`](super::CallOutcome::Canceled).
    #[must_use = "futures do nothing unless polled"]
    pub struct OutboundFuture<F> {
        #[pin]
        pub(super) inner: F,
        pub(super) call: Option<Call>,
    }
}

impl<F, C, E> Future for OutboundFuture<F>
where
    F: Future<Output = Result<Response<C>, E>>,
    E: Into<BoxError>,
    C: Body,
{
    type Output = Result<Response<OutboundBody<C>>, BoxError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let guard = PanicGuard::new(this.call, panicked);
        let polled = this.inner.poll(cx);
        guard.disarm();
        match polled {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(response)) => {
                if let Some(call) = this.call.as_mut()
                    && call.head(&response)
                {
                    call.complete();
                    *this.call = None;
                }
                let call = this.call.take();
                Poll::Ready(Ok(response.map(|inner| OutboundBody::new(inner, call))))
            }
            Poll::Ready(Err(error)) => {
                let error = error.into();
                if let Some(mut call) = this.call.take() {
                    call.failed(&*error);
                }
                Poll::Ready(Err(error))
            }
        }
    }
}

impl<F> fmt::Debug for OutboundFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutboundFuture").field("call", &self.call).finish_non_exhaustive()
    }
}
