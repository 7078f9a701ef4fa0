//! What surrounds each poll of a request: the kit's time and its subscriber.

use std::future::{Future, poll_fn};
use std::pin::pin;

use tracing::Dispatch;

use super::test_time::TestTime;

#[derive(Clone)]
pub(super) struct CallContext {
    pub(super) time: TestTime,
    pub(super) dispatch: Dispatch,
}

impl CallContext {
    /// Polls `future` with the kit's subscriber. The clocks follow tokio's time before each poll,
    /// and within a poll tokio's paused time does not move.
    pub(super) async fn run<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|cx| {
            self.time.follow();
            tracing::dispatcher::with_default(&self.dispatch, || future.as_mut().poll(cx))
        })
        .await
    }
}
