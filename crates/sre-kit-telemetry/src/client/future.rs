//! The future of [`HttpClientService`](super::HttpClientService).

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Response;
use pin_project_lite::pin_project;

use super::call::Call;

pin_project! {
    /// The future of an [`HttpClientService`](super::HttpClientService).
    ///
    /// # Cancel safety
    ///
    /// Dropping it before it is ready records the call as `canceled`.
    #[must_use = "futures do nothing unless polled"]
    pub struct HttpClientFuture<F> {
        #[pin]
        pub(super) inner: F,
        pub(super) call: Option<Call>,
    }
}

impl<F, C, E> Future for HttpClientFuture<F>
where
    F: Future<Output = Result<Response<C>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let polled = this.inner.poll(cx);
        if let Poll::Ready(result) = &polled
            && let Some(call) = this.call.take()
        {
            call.end(result.as_ref().ok().map(Response::status));
        }
        polled
    }
}

impl<F> fmt::Debug for HttpClientFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClientFuture").finish_non_exhaustive()
    }
}
