//! Futures that belong to a trace.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::current::attach;
use super::trace_context::TraceContext;

pin_project! {
    /// The future of [`TraceExt::in_trace`] and [`TraceExt::in_current_trace`].
    #[derive(Clone, Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Traced<F> {
        #[pin]
        inner: F,
        context: Option<TraceContext>,
    }
}

impl<F: Future> Future for Traced<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _guard = attach(*this.context);
        this.inner.poll(cx)
    }
}

mod private {
    pub trait Sealed {}

    impl<F: Future> Sealed for F {}
}

/// An extension of futures that propagates a trace into a spawned task.
///
/// A task that a request spawns belongs to the request's trace only if it is wrapped:
///
/// ```
/// use sre_kit_telemetry::{TraceContext, TraceExt};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let context = TraceContext::new(1, 2, false);
/// let task = async { TraceContext::current() }.in_trace(context);
/// assert_eq!(tokio::spawn(task).await.unwrap(), context);
/// # });
/// ```
///
/// The trait is sealed: it is implemented for every future, and for nothing else.
pub trait TraceExt: Sized + private::Sealed {
    /// Wraps the future so that `context` is current whenever it is polled.
    fn in_trace(self, context: Option<TraceContext>) -> Traced<Self> {
        Traced { inner: self, context }
    }

    /// Wraps the future so that the trace of the caller is current whenever it is polled.
    fn in_current_trace(self) -> Traced<Self> {
        self.in_trace(TraceContext::current())
    }
}

impl<F: Future> TraceExt for F {}

#[cfg(test)]
mod tests {
    use super::{TraceContext, TraceExt};

    fn context(span: u64) -> Option<TraceContext> {
        TraceContext::new(7, span, true)
    }

    #[tokio::test]
    async fn two_interleaved_tasks_do_not_see_each_others_context() {
        let task = |span| {
            async move {
                for _ in 0..10 {
                    assert_eq!(TraceContext::current(), context(span));
                    tokio::task::yield_now().await;
                }
            }
            .in_trace(context(span))
        };
        tokio::join!(task(1), task(2));
        assert_eq!(TraceContext::current(), None);
    }
}
