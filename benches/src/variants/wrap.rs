//! The service alone, and wrappers that record nothing: the cost of any layer.

use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use http::Request;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::service::{Bare, boxed};
use super::{Group, Variant};

pub(super) fn variants() -> Vec<Variant> {
    vec![
        Variant::new("bare", Group::Bare, "nothing", |mix| boxed(Bare, mix)),
        Variant::new("wrap-noop", Group::Bare, "nothing", |mix| {
            boxed(Wrap { inner: Bare, clock: NoClock }, mix)
        }),
        Variant::new(
            "wrap-clock-std",
            Group::Bare,
            "two calls of `Instant::now`, discarded",
            |mix| boxed(Wrap { inner: Bare, clock: StdClock }, mix),
        ),
        Variant::new("wrap-clock-quanta", Group::Bare, "two readings of quanta's clock", |mix| {
            boxed(Wrap { inner: Bare, clock: quanta::Clock::new() }, mix)
        }),
    ]
}

/// A clock that is read at the beginning and at the end of a request.
pub(super) trait Clock: Clone {
    type Reading: Copy;
    fn read(&self) -> Self::Reading;
    fn nanos_since(&self, start: Self::Reading) -> u64;
}

#[derive(Clone, Copy)]
pub(super) struct NoClock;

impl Clock for NoClock {
    type Reading = ();
    #[inline]
    fn read(&self) {}
    #[inline]
    fn nanos_since(&self, (): ()) -> u64 {
        0
    }
}

#[derive(Clone, Copy)]
pub(super) struct StdClock;

impl Clock for StdClock {
    type Reading = Instant;
    #[inline]
    fn read(&self) -> Instant {
        Instant::now()
    }
    #[inline]
    fn nanos_since(&self, start: Instant) -> u64 {
        u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

impl Clock for quanta::Clock {
    type Reading = u64;
    #[inline]
    fn read(&self) -> u64 {
        self.raw()
    }
    #[inline]
    fn nanos_since(&self, start: u64) -> u64 {
        self.delta_as_nanos(start, self.raw())
    }
}

#[derive(Clone)]
struct Wrap<S, K> {
    inner: S,
    clock: K,
}

impl<S, B, K> Service<Request<B>> for Wrap<S, K>
where
    S: Service<Request<B>>,
    K: Clock,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = WrapFuture<S::Future, K>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let started = self.clock.read();
        WrapFuture { inner: self.inner.call(request), clock: self.clock.clone(), started }
    }
}

pin_project! {
    struct WrapFuture<F, K: Clock> {
        #[pin]
        inner: F,
        clock: K,
        started: K::Reading,
    }
}

impl<F: Future, K: Clock> Future for WrapFuture<F, K> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let output = std::task::ready!(this.inner.poll(cx));
        black_box(this.clock.nanos_since(*this.started));
        Poll::Ready(output)
    }
}
