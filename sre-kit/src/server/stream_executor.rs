//! The executor of HTTP/2 streams, which ends a stream whose client does not take its response.
//!
//! Hyper asks for the next frame of a response body when the client has room for it. While there is
//! none, the body is not polled, so the body cannot watch over the time itself. The task of the
//! stream can: it is made here.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::rt::Executor;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep};

use super::shared::Shared;

/// Whom a stream waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// The service: for the response, or for the next frame of its body.
    Service,
    /// The client: it has to take what it was given.
    Client,
}

thread_local! {
    /// The last turn that the stream that this thread polls has reported.
    static TURN: Cell<Option<Turn>> = const { Cell::new(None) };
}

/// Reports whose turn it is in the stream that this thread polls. Has no effect on HTTP/1.
#[inline]
pub(super) fn report(turn: Turn) {
    TURN.set(Some(turn));
}

/// Spawns the streams of the HTTP/2 connections of one server.
#[derive(Clone)]
pub(super) struct StreamExecutor {
    shared: Arc<Shared>,
}

impl StreamExecutor {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::clone(shared) }
    }
}

impl<F> Executor<F> for StreamExecutor
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, stream: F) {
        let shared = Arc::clone(&self.shared);
        tokio::spawn(Stream { inner: stream, timer: None, turn: Turn::Service, shared });
    }
}

pin_project! {
    /// The task of one HTTP/2 stream. When it ends early, the client gets a reset.
    struct Stream<F> {
        #[pin]
        inner: F,
        // Made when the client lets the stream wait for the first time.
        timer: Option<Pin<Box<Sleep>>>,
        turn: Turn,
        shared: Arc<Shared>,
    }
}

impl<F: Future> Future for Stream<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        TURN.set(None);
        if this.inner.poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let timeout = this.shared.settings.write_timeout;
        // Without a report, hyper has not asked for a frame: the turn is whose it was.
        if let Some(turn) = TURN.take() {
            *this.turn = turn;
            if turn == Turn::Client {
                let timer = this.timer.get_or_insert_with(|| Box::pin(sleep(timeout)));
                timer.as_mut().reset(Instant::now() + timeout);
            }
        }
        match (*this.turn, this.timer) {
            (Turn::Client, Some(timer)) => {
                std::task::ready!(timer.as_mut().poll(cx));
                this.shared.stats.write_timeout();
                Poll::Ready(())
            }
            _ => Poll::Pending,
        }
    }
}
