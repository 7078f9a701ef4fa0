//! The future of a scrape's response.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::task::JoinHandle;

use super::response::{ScrapeResponse, unavailable};

/// The future of an [`Exposition`](crate::Exposition)'s response. It never fails.
#[must_use = "futures do nothing unless polled"]
pub struct ExpositionFuture {
    state: State,
}

enum State {
    Ready(Option<ScrapeResponse>),
    Blocking(JoinHandle<ScrapeResponse>),
}

impl ExpositionFuture {
    /// Creates a future that is ready.
    pub(super) fn ready(response: ScrapeResponse) -> Self {
        Self { state: State::Ready(Some(response)) }
    }

    /// Creates a future that waits for a thread for blocking work.
    pub(super) fn blocking(task: JoinHandle<ScrapeResponse>) -> Self {
        Self { state: State::Blocking(task) }
    }
}

impl Future for ExpositionFuture {
    type Output = Result<ScrapeResponse, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(match &mut self.state {
            State::Ready(response) => {
                response.take().expect("a future is not polled after its end")
            }
            // Only a runtime that shuts down cancels such a task.
            State::Blocking(task) => ready!(Pin::new(task).poll(cx))
                .unwrap_or_else(|_| unavailable("the process is stopping\n")),
        }))
    }
}

impl fmt::Debug for ExpositionFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExpositionFuture").finish_non_exhaustive()
    }
}
