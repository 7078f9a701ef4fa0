//! The future of a unit.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::guard::UnitGuard;
use super::result::WorkResult;
use crate::unwind::PanicGuard;

pin_project! {
    /// The future of [`WorkHandle::run`](super::WorkHandle::run). Its output is that of the unit.
    ///
    /// # Cancel safety
    ///
    /// Dropping it before it is ready ends the unit as
    /// [`WorkOutcome::Canceled`](super::WorkOutcome::Canceled).
    #[must_use = "futures do nothing unless polled"]
    pub struct RunWork<F> {
        #[pin]
        pub(super) inner: F,
        pub(super) guard: UnitGuard,
    }
}

impl<F> Future for RunWork<F>
where
    F: Future,
    F::Output: WorkResult,
{
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let panic_guard = PanicGuard::new(&mut *this.guard, UnitGuard::panicked);
        let polled = this.inner.poll(cx);
        panic_guard.disarm();
        let output = ready!(polled);
        this.guard.end(output.outcome());
        Poll::Ready(output)
    }
}

impl<F> fmt::Debug for RunWork<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunWork").finish_non_exhaustive()
    }
}
