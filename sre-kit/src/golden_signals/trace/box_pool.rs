//! A pool of the boxes that traces lie in.
//!
//! A trace is larger than everything else that a request has in flight, and most layers have none:
//! in a box it takes one word of each future and body. A trace that is not sampled allocates
//! nothing all the same, because each thread keeps the boxes of the requests that ended on it.

#![allow(
    clippy::vec_box,
    clippy::unnecessary_box_returns,
    reason = "the pool keeps boxes, not their contents"
)]

use std::cell::RefCell;

use sre_kit_telemetry::internal::RequestTrace;

/// The highest number of boxes that a thread keeps: about as many as it has requests in flight.
const MAX_POOLED: usize = 256;

thread_local! {
    static POOL: RefCell<Vec<Box<RequestTrace>>> = const { RefCell::new(Vec::new()) };
}

/// Puts `trace` into a box of the pool, or into a new one if the pool is empty.
pub(super) fn take(trace: RequestTrace) -> Box<RequestTrace> {
    // The pool is not accessible while the thread ends.
    match POOL.try_with(|pool| pool.borrow_mut().pop()) {
        Ok(Some(mut pooled)) => {
            *pooled = trace;
            pooled
        }
        _ => Box::new(trace),
    }
}

/// Drops the contents of a box and puts it into the pool, unless the pool is full.
pub(super) fn put_back(mut trace: Box<RequestTrace>) {
    trace.forget();
    let _ = POOL.try_with(|pool| {
        let mut pool = pool.borrow_mut();
        if pool.len() < MAX_POOLED {
            pool.push(trace);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::{MAX_POOLED, POOL, put_back, take};
    use sre_kit_telemetry::internal::RequestTrace;

    fn address(of: &RequestTrace) -> usize {
        std::ptr::from_ref(of).addr()
    }

    #[test]
    fn the_next_request_gets_the_box_of_one_that_ended() {
        let first = take(RequestTrace::unsampled());
        let at = address(&first);
        put_back(first);
        assert_eq!(address(&take(RequestTrace::unsampled())), at);
    }

    #[test]
    fn the_pool_is_bounded_after_a_burst() {
        let burst: Vec<_> = (0..2 * MAX_POOLED).map(|_| take(RequestTrace::unsampled())).collect();
        burst.into_iter().for_each(put_back);
        assert_eq!(POOL.with_borrow(Vec::len), MAX_POOLED);
    }
}
