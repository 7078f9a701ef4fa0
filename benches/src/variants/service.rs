//! The service that the variants wrap.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{Empty, Full};
use tower_service::Service;

use crate::request::{Mix, Wanted};
use crate::worker::{Loop, Worker};

/// The response of [`Bare`].
pub type Reply = Response<Full<Bytes>>;

/// A request to [`Bare`].
pub(super) type Call = Request<Empty<Bytes>>;

/// Creates a worker for a service of the bare group.
pub(super) fn boxed<S, C>(service: S, mix: Mix) -> Box<dyn Worker>
where
    S: Service<Call, Response = Response<C>> + Send + 'static,
    C: Body + 'static,
{
    Loop::boxed(service, mix)
}

/// Responds with eleven bytes and the status that the request asks for.
#[derive(Clone, Copy, Debug)]
pub struct Bare;

impl<B> Service<Request<B>> for Bare {
    type Response = Reply;
    type Error = Infallible;
    type Future = Ready<Result<Reply, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let mut response = Response::new(Full::new(Bytes::from_static(b"hello world")));
        *response.status_mut() =
            request.extensions().get().map_or(StatusCode::OK, |Wanted(status)| *status);
        ready(Ok(response))
    }
}
