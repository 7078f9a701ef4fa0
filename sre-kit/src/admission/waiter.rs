//! A request that waits in the queue.

use std::pin::Pin;
use std::task::{Context, Poll};

use super::handle::SemaphoreHandle;
use super::permit::Permit;
use super::priority::Priority;
use super::semaphore::Enqueued;
use super::series::Reason;

/// The end of a wait.
#[derive(Debug)]
pub(super) enum Waited {
    Admitted(Permit),
    /// A critical request displaced the waiter.
    Displaced,
}

/// A request in the queue. Dropping it leaves the queue, and releases units that were granted but
/// not received.
pub(super) struct QueuedWaiter {
    handle: SemaphoreHandle,
    enqueued: Enqueued,
}

impl QueuedWaiter {
    /// Joins the queue. Returns the reason of the refusal if there is no room.
    pub(super) fn new(
        handle: &SemaphoreHandle,
        weight: u32,
        priority: Priority,
    ) -> Result<Self, Reason> {
        let enqueued = handle.semaphore().enqueue(weight, priority)?;
        Ok(Self { handle: handle.clone(), enqueued })
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Waited> {
        Pin::new(&mut self.enqueued.granted).poll(cx).map(|granted| match granted {
            Ok(grant) => Waited::Admitted(Permit::new(self.handle.clone(), &grant)),
            Err(_) => Waited::Displaced,
        })
    }
}

impl Drop for QueuedWaiter {
    fn drop(&mut self) {
        let semaphore = self.handle.semaphore();
        semaphore.series.waited.observe_duration(self.enqueued.since.elapsed());
        semaphore.leave(self.enqueued.id);
        // The waiter may have been granted units before it left. Closing the channel first makes a
        // later grant fail in `dispatch`, so no grant is lost between the two.
        self.enqueued.granted.close();
        if let Ok(grant) = self.enqueued.granted.try_recv() {
            semaphore.release(grant.weight);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};
    use std::time::Duration;

    use super::{QueuedWaiter, Waited};
    use crate::admission::{Admission, Limit, Priority};
    use crate::metrics::Registry;

    fn admission(limit: u32) -> Admission {
        Admission::builder()
            .limit(Limit::fixed(limit))
            .queue(8, Duration::from_secs(1))
            .build(&Registry::new())
            .expect("valid")
    }

    fn waiter(admission: &Admission, weight: u32) -> QueuedWaiter {
        let handle = admission.shared.handles.of_current_shard();
        QueuedWaiter::new(handle, weight, Priority::Normal).expect("there is room")
    }

    #[tokio::test]
    async fn units_that_a_waiter_never_received_are_free_once() {
        let admission = admission(3);
        let (one, two) = (admission.try_admit(1), admission.try_admit(2));
        let waiter = waiter(&admission, 1);
        drop(one);
        assert_eq!((admission.in_flight(), admission.queued()), (3, 0), "granted, not received");
        drop(waiter);
        assert_eq!(admission.in_flight(), 2);
        drop(two);
        assert_eq!(admission.in_flight(), 0);
    }

    #[tokio::test]
    async fn units_that_a_waiter_never_received_go_to_the_next_one() {
        let admission = admission(1);
        let permit = admission.try_admit(1);
        let (first, mut second) = (waiter(&admission, 1), waiter(&admission, 1));
        drop(permit);
        drop(first);
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(Waited::Admitted(permit)) = second.poll(&mut cx) else {
            panic!("the second waiter was not admitted");
        };
        drop(second);
        assert_eq!(admission.in_flight(), 1, "its units went to the permit");
        drop(permit);
        assert_eq!(admission.in_flight(), 0);
    }
}
