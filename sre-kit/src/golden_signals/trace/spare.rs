//! Boxes that traces lie in, used again.
//!
//! A trace is larger than all else that a request has in flight, and most layers
//! have none: boxed, it is a word in each future and body. So that a trace that is
//! not sampled still allocates nothing, each thread keeps the boxes of requests
//! that ended on it for those that begin.

#![allow(
    clippy::vec_box,
    clippy::unnecessary_box_returns,
    reason = "it is the boxes that are kept"
)]

use std::cell::RefCell;

use sre_kit_telemetry::internal::RequestTrace;

/// Boxes that a thread keeps: as many requests as it may well have in flight.
const KEPT: usize = 256;

thread_local! {
    static SPARE: RefCell<Vec<Box<RequestTrace>>> = const { RefCell::new(Vec::new()) };
}

/// `trace` in a box, in one that is spare if there is any.
pub(super) fn take(trace: RequestTrace) -> Box<RequestTrace> {
    // While the thread ends there are none.
    match SPARE.try_with(|spare| spare.borrow_mut().pop()) {
        Ok(Some(mut spare)) => {
            *spare = trace;
            spare
        }
        _ => Box::new(trace),
    }
}

/// Keeps a box, unless there are enough. What it held is let go first.
pub(super) fn keep(mut done: Box<RequestTrace>) {
    done.forget();
    let _ = SPARE.try_with(|spare| {
        let mut spare = spare.borrow_mut();
        if spare.len() < KEPT {
            spare.push(done);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::{KEPT, SPARE, keep, take};
    use sre_kit_telemetry::internal::RequestTrace;

    fn address(of: &RequestTrace) -> usize {
        std::ptr::from_ref(of).addr()
    }

    #[test]
    fn the_box_of_a_request_that_ended_is_that_of_the_next_one() {
        let first = take(RequestTrace::unsampled());
        let at = address(&first);
        keep(first);
        assert_eq!(address(&take(RequestTrace::unsampled())), at);
    }

    #[test]
    fn after_a_rush_no_more_boxes_are_kept_than_a_thread_may_need() {
        let rush: Vec<_> = (0..2 * KEPT).map(|_| take(RequestTrace::unsampled())).collect();
        rush.into_iter().for_each(keep);
        assert_eq!(SPARE.with_borrow(Vec::len), KEPT);
    }
}
