//! The future of the admin service.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Response;

use super::body::AdminBody;

/// The future of a response of an [`AdminService`](super::AdminService). It can be dropped at any
/// time.
#[must_use = "futures do nothing unless polled"]
pub struct AdminFuture {
    inner: Pin<Box<dyn Future<Output = Response<AdminBody>> + Send>>,
}

impl AdminFuture {
    pub(super) fn new(inner: impl Future<Output = Response<AdminBody>> + Send + 'static) -> Self {
        Self { inner: Box::pin(inner) }
    }
}

impl Future for AdminFuture {
    type Output = Result<Response<AdminBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.inner.as_mut().poll(cx).map(Ok)
    }
}

impl fmt::Debug for AdminFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminFuture").finish_non_exhaustive()
    }
}
