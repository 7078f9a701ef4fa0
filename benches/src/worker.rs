//! Drives a service, a batch at a time.

use std::cell::RefCell;
use std::fmt;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use http::{Request, Response};
use http_body::Body;
use tower_service::Service;
use tracing::Dispatch;
use tracing::dispatcher::DefaultGuard;

use crate::request::{Mix, Requests};

/// A service with a batch of requests ready. The type of the service is gone, so
/// that variants fit into one list; within a batch everything is static.
pub trait Worker: Send + fmt::Debug {
    /// From the next batch on, spans go to a subscriber of its own.
    fn subscribe(&mut self, dispatch: Dispatch);

    /// Makes `n` requests. Not to be timed.
    fn prepare(&mut self, n: usize);

    /// Serves all that was prepared: readiness, call, response, body, drop.
    fn serve(&mut self);

    /// Begins each of `n` requests and drops its future before it is polled.
    fn abandon(&mut self);
}

/// The only implementation of [`Worker`].
pub struct Loop<S, B> {
    service: S,
    requests: Requests,
    batch: Vec<Request<B>>,
    dispatch: Option<Dispatch>,
}

impl<S, B, C> Loop<S, B>
where
    S: Service<Request<B>, Response = Response<C>> + Send + 'static,
    B: Default + Send + 'static,
    C: Body + 'static,
{
    /// Boxes a loop over `service`.
    pub fn boxed(service: S, mix: Mix) -> Box<dyn Worker> {
        Box::new(Self { service, requests: Requests::new(mix), batch: Vec::new(), dispatch: None })
    }
}

impl<S, B, C> Worker for Loop<S, B>
where
    S: Service<Request<B>, Response = Response<C>> + Send,
    B: Default + Send,
    C: Body,
{
    fn subscribe(&mut self, dispatch: Dispatch) {
        self.dispatch = Some(dispatch);
    }

    fn prepare(&mut self, n: usize) {
        // For the batch and not for each request: a service does it once.
        subscribe(self.dispatch.as_ref());
        self.batch.clear();
        self.batch.extend((0..n).map(|_| self.requests.make()));
    }

    // A symbol of its own: callgrind counts what is inside it.
    #[inline(never)]
    fn serve(&mut self) {
        for request in self.batch.drain(..) {
            serve_one(&mut self.service, request);
        }
    }

    #[inline(never)]
    fn abandon(&mut self) {
        for request in self.batch.drain(..) {
            drop(black_box(self.service.call(request)));
        }
    }
}

/// Sets who takes the spans of this thread from now on, and who did so no more.
fn subscribe(dispatch: Option<&Dispatch>) {
    thread_local! {
        static SUBSCRIBED: RefCell<Option<DefaultGuard>> = const { RefCell::new(None) };
    }
    SUBSCRIBED.with_borrow_mut(|guard| {
        // Given back before another is taken: they are nested otherwise.
        *guard = None;
        *guard = dispatch.map(tracing::dispatcher::set_default);
    });
}

#[allow(clippy::inline_always, reason = "a call would be part of what is measured")]
#[inline(always)]
fn serve_one<S, B, C>(service: &mut S, request: Request<B>)
where
    S: Service<Request<B>, Response = Response<C>>,
    C: Body,
{
    let mut cx = Context::from_waker(Waker::noop());
    let Poll::Ready(Ok(())) = service.poll_ready(&mut cx) else {
        unreachable!("the service is always ready")
    };
    let future = pin!(service.call(request));
    let Poll::Ready(Ok(response)) = future.poll(&mut cx) else {
        unreachable!("the service answers at once")
    };
    let (head, body) = response.into_parts();
    black_box(&head);
    let mut body = pin!(body);
    while let Poll::Ready(Some(Ok(frame))) = body.as_mut().poll_frame(&mut cx) {
        drop(black_box(frame));
    }
}

impl<S, B> fmt::Debug for Loop<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loop").field("requests", &self.requests).finish_non_exhaustive()
    }
}
