//! The trace of the work that a thread does at the moment.

use std::cell::Cell;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::TraceContext;

thread_local! {
    static CURRENT: Cell<Option<TraceContext>> = const { Cell::new(None) };
}

pub(super) fn get() -> Option<TraceContext> {
    CURRENT.get()
}

/// Makes `context` current until the result is dropped, on this thread.
#[inline]
pub fn attach(context: Option<TraceContext>) -> Attached {
    Attached { before: CURRENT.replace(context), _thread: PhantomData }
}

/// Puts back what was current before.
#[must_use = "dropping it puts back what was current before"]
pub struct Attached {
    before: Option<TraceContext>,
    _thread: PhantomData<*const ()>,
}

impl Drop for Attached {
    #[inline]
    fn drop(&mut self) {
        CURRENT.set(self.before);
    }
}

pin_project! {
    /// A future that belongs to a trace. See [`TraceExt`].
    #[derive(Clone, Debug)]
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
        let _attached = attach(*this.context);
        this.inner.poll(cx)
    }
}

/// Takes a trace along into a task.
///
/// A task that a request spawns has no part in the request's trace unless it is
/// taken along:
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
pub trait TraceExt: Sized {
    /// The same future, within `context`.
    fn in_trace(self, context: Option<TraceContext>) -> Traced<Self> {
        Traced { inner: self, context }
    }

    /// The same future, within the trace that is current now.
    fn in_current_trace(self) -> Traced<Self> {
        self.in_trace(TraceContext::current())
    }
}

impl<F: Future> TraceExt for F {}

#[cfg(test)]
mod tests {
    use super::{TraceContext, TraceExt, attach};

    fn context(span: u64) -> Option<TraceContext> {
        TraceContext::new(7, span, true)
    }

    #[test]
    fn what_was_current_before_is_current_again_even_after_a_panic() {
        let outer = attach(context(1));
        let panicked = std::panic::catch_unwind(|| {
            let _inner = attach(context(2));
            assert_eq!(TraceContext::current(), context(2));
            std::panic::resume_unwind(Box::new("stop"));
        });
        assert!(panicked.is_err());
        assert_eq!(TraceContext::current(), context(1));
        drop(outer);
        assert_eq!(TraceContext::current(), None);
    }

    #[tokio::test]
    async fn two_interleaved_tasks_keep_apart() {
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
