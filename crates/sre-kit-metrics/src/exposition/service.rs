//! One request for the metrics, answered.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use sre_kit_core::internal::accepts_gzip;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tower_service::Service;

use super::accept::Format;
use super::scrapes::ScrapeOutcome;
use super::slot::Slot;
use super::{Exposition, Inner, render};

type Answer = Response<Full<Bytes>>;

impl<B> Service<Request<B>> for Exposition {
    type Response = Answer;
    type Error = Infallible;
    type Future = ExpositionFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.respond(request.method(), request.headers())
    }
}

/// The response of an [`Exposition`]. As a `Service`'s future it yields `Ok`.
#[must_use = "futures do nothing unless polled"]
pub struct ExpositionFuture {
    state: State,
}

enum State {
    Ready(Option<Answer>),
    Blocking(JoinHandle<Answer>),
}

impl ExpositionFuture {
    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Answer> {
        Poll::Ready(match &mut self.state {
            State::Ready(answer) => answer.take().expect("a future is not polled after its end"),
            // Only a runtime that is shutting down gives up such a task.
            State::Blocking(task) => ready!(Pin::new(task).poll(cx))
                .unwrap_or_else(|_| unavailable("the process is stopping\n")),
        })
    }
}

impl Future for ExpositionFuture {
    type Output = Result<Answer, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_answer(cx).map(Ok)
    }
}

impl fmt::Debug for ExpositionFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExpositionFuture").finish_non_exhaustive()
    }
}

pub(super) fn respond(
    inner: &Arc<Inner>,
    method: &Method,
    headers: &HeaderMap,
) -> ExpositionFuture {
    let ready = |answer| ExpositionFuture { state: State::Ready(Some(answer)) };
    let head = method == Method::HEAD;
    if !head && method != Method::GET {
        let mut answer = plain(StatusCode::METHOD_NOT_ALLOWED, "metrics are read with GET\n");
        answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return ready(answer);
    }
    let format = Format::negotiate(headers);
    let Some(slot) = inner.slots.take() else {
        inner.scrapes.ended(format, ScrapeOutcome::Refused);
        return ready(unavailable("as many scrapes as are allowed are under way\n"));
    };
    let gzip = accepts_gzip(headers);
    if inner.is_large() && Handle::try_current().is_ok() {
        let inner = Arc::clone(inner);
        let task = tokio::task::spawn_blocking(move || scrape(&inner, slot, format, gzip, head));
        return ExpositionFuture { state: State::Blocking(task) };
    }
    ready(scrape(inner, slot, format, gzip, head))
}

fn scrape(inner: &Inner, mut slot: Slot, format: Format, gzip: bool, head: bool) -> Answer {
    let started = Instant::now();
    // Closures of the registry's users run in here.
    let written = catch_unwind(AssertUnwindSafe(|| {
        render::encode_reporting(&inner.registry, format, slot.plain(), |metric| {
            inner.scrapes.unwritable(metric);
        });
    }));
    if written.is_err() {
        inner.scrapes.ended(format, ScrapeOutcome::Failed);
        return plain(StatusCode::INTERNAL_SERVER_ERROR, "a collector panicked\n");
    }
    let size = slot.plain().len();
    inner.last_size.store(size, Ordering::Relaxed);
    let packed = gzip && size >= inner.gzip_above && slot.pack(render::gzip);
    let body = Bytes::from_owner(slot);
    inner.scrapes.written(started.elapsed(), body.len());
    inner.scrapes.ended(format, ScrapeOutcome::Ok);

    let length = HeaderValue::from(body.len());
    let mut answer = Response::new(Full::new(if head { Bytes::new() } else { body }));
    let headers = answer.headers_mut();
    headers.insert(CONTENT_LENGTH, length);
    if packed {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    for (name, value) in [
        (CONTENT_TYPE, format.content_type()),
        (VARY, "accept, accept-encoding"),
        (CACHE_CONTROL, "no-store"),
        (NOSNIFF.0, NOSNIFF.1),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// Keeps a browser from reading a label value as anything but text.
const NOSNIFF: (HeaderName, &str) = (HeaderName::from_static("x-content-type-options"), "nosniff");

fn unavailable(reason: &'static str) -> Answer {
    let mut answer = plain(StatusCode::SERVICE_UNAVAILABLE, reason);
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    answer
}

fn plain(status: StatusCode, text: &'static str) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
