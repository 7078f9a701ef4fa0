//! The call of the user's service on an HTTP/1 connection.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use http::Request;
use hyper_util::service::{TowerToHyperService, TowerToHyperServiceFuture};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::server::request_body::RequestBody;

pin_project! {
    /// The call of a service that is usually ready at once.
    ///
    /// The request then moves into the service and nowhere else.
    #[project = CallProjection]
    pub(in crate::server) enum Http1Call<S>
    where
        S: Service<Request<RequestBody>>,
    {
        Called {
            #[pin]
            future: S::Future,
        },
        // Boxed, so that the usual call is smaller.
        Waiting {
            future: Pin<Box<TowerToHyperServiceFuture<S, Request<RequestBody>>>>,
        },
    }
}

impl<S> Http1Call<S>
where
    S: Service<Request<RequestBody>> + Clone,
{
    /// Calls `current` if it is ready, and otherwise waits until it is. `original`, of which it is a
    /// clone, was never polled.
    pub(super) fn new(current: &mut S, original: &S, request: Request<RequestBody>) -> Self {
        // Hyper gives no context to a call. A service that is not ready is polled again, with the
        // task's waker.
        match current.poll_ready(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(())) => Self::Called { future: current.call(request) },
            // The one that was polled may stand in a queue, and would keep the permit that it gets
            // there for as long as the connection is idle. One that has failed must not be polled
            // again, and the error of the next clone is the one that hyper gets.
            Poll::Pending | Poll::Ready(Err(_)) => {
                *current = original.clone();
                Self::wait(original.clone(), request)
            }
        }
    }

    #[cold]
    fn wait(service: S, request: Request<RequestBody>) -> Self {
        let service = TowerToHyperService::new(service);
        let future = hyper::service::Service::call(&service, request);
        Self::Waiting { future: Box::pin(future) }
    }
}

impl<S> Future for Http1Call<S>
where
    S: Service<Request<RequestBody>>,
{
    type Output = Result<S::Response, S::Error>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            CallProjection::Called { future } => future.poll(cx),
            CallProjection::Waiting { future } => future.as_mut().poll(cx),
        }
    }
}
