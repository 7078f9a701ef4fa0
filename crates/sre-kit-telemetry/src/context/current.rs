//! The current trace context of each thread.

use std::cell::Cell;
use std::marker::PhantomData;

use super::trace_context::TraceContext;

thread_local! {
    static CURRENT: Cell<Option<TraceContext>> = const { Cell::new(None) };
}

impl TraceContext {
    /// Returns the context of the work that this thread is doing, if it belongs to a trace.
    #[inline]
    pub fn current() -> Option<Self> {
        CURRENT.get()
    }
}

/// Makes `context` current on this thread until the guard is dropped.
#[inline]
pub(crate) fn attach(context: Option<TraceContext>) -> ContextGuard {
    ContextGuard { previous: CURRENT.replace(context), _not_send: PhantomData }
}

/// A guard that restores the previous context when it is dropped.
#[must_use = "dropping the guard restores the previous context"]
pub(crate) struct ContextGuard {
    previous: Option<TraceContext>,
    /// The guard has to be dropped on the thread whose cell it restores.
    _not_send: PhantomData<*const ()>,
}

impl Drop for ContextGuard {
    #[inline]
    fn drop(&mut self) {
        CURRENT.set(self.previous);
    }
}

#[cfg(test)]
mod tests {
    use super::{TraceContext, attach};

    #[test]
    fn the_previous_context_is_restored_even_after_a_panic() {
        let context = |span| TraceContext::new(7, span, true);
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
}
