//! Drives a service in batches.

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

/// A service with a prepared batch of requests. The type of the service is erased, so that variants
/// fit into one list; within a batch, all calls are static.
pub trait Worker: Send + fmt::Debug {
    /// Sends the spans of later batches to a separate subscriber.
    fn subscribe(&mut self, dispatch: Dispatch);

    /// Prepares `n` requests. Do not include this in a measurement.
    fn prepare(&mut self, n: usize);

    /// Serves all prepared requests: readiness, call, response, body, drop.
    fn serve(&mut self);

    /// Starts each of `n` requests and drops its future before polling it.
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
    /// Creates a boxed worker for `service`.
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
        // Sets the subscriber per batch; a service sets it once.
        subscribe(self.dispatch.as_ref());
        self.batch.clear();
        self.batch.extend((0..n).map(|_| self.requests.make()));
    }

    // Never inlined: callgrind counts what is inside this symbol.
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

/// Sets or removes the subscriber for the spans of this thread.
fn subscribe(dispatch: Option<&Dispatch>) {
    thread_local! {
        static SUBSCRIBED: RefCell<Option<DefaultGuard>> = const { RefCell::new(None) };
    }
    SUBSCRIBED.with_borrow_mut(|guard| {
        // Drops the old guard before setting a new one, otherwise they nest.
        *guard = None;
        *guard = dispatch.map(tracing::dispatcher::set_default);
    });
}

#[allow(clippy::inline_always, reason = "the measurement would include the call")]
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
