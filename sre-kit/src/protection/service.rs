use std::task::{Context, Poll};

use http::header::CONTENT_TYPE;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{Either, Empty, Limited};
use tower_service::Service;

use super::Bounds;
use super::future::BoundFuture;

/// A service with a time limit and a limit of the request body. See the [module](super).
#[derive(Clone, Debug)]
pub struct BoundService<S> {
    inner: S,
    bounds: Bounds,
}

impl<S> BoundService<S> {
    pub(super) fn new(inner: S, bounds: Bounds) -> Self {
        Self { inner, bounds }
    }

    /// Returns the inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns the inner service by value.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, B, C> Service<Request<B>> for BoundService<S>
where
    S: Service<Request<Limited<B>>, Response = Response<C>>,
    B: Body,
    C: Body,
{
    type Response = Response<Either<C, Empty<C::Data>>>;
    type Error = S::Error;
    type Future = BoundFuture<S::Future>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Bounds { time, body } = self.bounds;
        // The declared size, if there is one.
        if request.body().size_hint().lower() > body as u64 {
            return BoundFuture::too_large();
        }
        let kind = request.headers().get(CONTENT_TYPE);
        let grpc = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
        BoundFuture::new(
            self.inner.call(request.map(|inner| Limited::new(inner, body))),
            time,
            grpc,
        )
    }
}
