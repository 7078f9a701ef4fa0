//! A layer for hand-written recording at the response headers, as most services write it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use http::{Method, Request, Response, StatusCode};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::request::Template;

/// The recording at the start and at the end of a request. The gauge of requests in flight has two
/// labels; requests and durations have three.
pub(super) trait Record: Clone {
    fn start(&self, method: &'static str, route: &'static str);
    fn end(&self, method: &'static str, route: &'static str, status: StatusCode, took: Duration);
    fn abandon(&self, method: &'static str, route: &'static str);
}

/// The bucket bounds that OpenTelemetry's semantic conventions advise, in seconds.
pub(super) const BOUNDS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

#[derive(Clone)]
pub(super) struct Recorded<S, R> {
    pub(super) inner: S,
    pub(super) record: R,
}

fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        _ => "_OTHER",
    }
}

impl<S, B, C, R> Service<Request<B>> for Recorded<S, R>
where
    S: Service<Request<B>, Response = Response<C>>,
    R: Record,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = RecordedFuture<S::Future, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let started = Instant::now();
        let method = method(request.method());
        let route = request.extensions().get().map_or("", |Template(route)| route);
        self.record.start(method, route);
        let guard = Guard { record: Some(self.record.clone()), method, route };
        RecordedFuture { inner: self.inner.call(request), started, guard }
    }
}

/// A guard that decrements the gauge when a request is dropped.
struct Guard<R: Record> {
    record: Option<R>,
    method: &'static str,
    route: &'static str,
}

impl<R: Record> Drop for Guard<R> {
    fn drop(&mut self) {
        if let Some(record) = &self.record {
            record.abandon(self.method, self.route);
        }
    }
}

pin_project! {
    pub(super) struct RecordedFuture<F, R: Record> {
        #[pin]
        inner: F,
        started: Instant,
        guard: Guard<R>,
    }
}

impl<F, R, C, E> Future for RecordedFuture<F, R>
where
    F: Future<Output = Result<Response<C>, E>>,
    R: Record,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let output = ready!(this.inner.poll(cx));
        if let (Ok(response), Some(record)) = (&output, this.guard.record.take()) {
            let (method, route) = (this.guard.method, this.guard.route);
            record.end(method, route, response.status(), this.started.elapsed());
        }
        Poll::Ready(output)
    }
}
