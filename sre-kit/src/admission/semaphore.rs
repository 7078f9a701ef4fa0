//! A weighted semaphore: one atomic word for the fast path, a queue behind a lock for the rest.

use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::limit::Controller;
use super::priority::Priority;
use super::queue::{Grant, WaitQueue, WaiterId};
use super::series::{Reason, Series};

/// The bit of the state that is set while the queue is not empty. New requests then join the queue
/// instead of overtaking it, and a request that releases units dispatches them.
const WAITERS: u64 = 1 << 63;

/// The semaphore that all requests of one [`Admission`](super::Admission) share.
pub(super) struct Semaphore {
    state: PackedState,
    limit: AtomicU32,
    /// The length of the queue, readable without the lock, so that a flood is refused cheaply.
    depth: AtomicUsize,
    queue: Mutex<WaitQueue>,
    max_queue: usize,
    pub(super) max_wait: Duration,
    pub(super) controller: Option<Controller>,
    pub(super) series: Series,
}

/// The units in use and the [`WAITERS`] bit. Every admission and every release writes it, so it has
/// cache lines of its own, apart from the limit, which is rarely written.
#[repr(align(128))]
struct PackedState(AtomicU64);

/// A waiter that has joined the queue.
pub(super) struct Enqueued {
    pub(super) id: WaiterId,
    pub(super) granted: oneshot::Receiver<Grant>,
    pub(super) since: Instant,
}

impl Semaphore {
    pub(super) fn new(
        limit: u32,
        max_queue: usize,
        max_wait: Duration,
        controller: Option<Controller>,
        series: Series,
    ) -> Self {
        Self {
            state: PackedState(AtomicU64::new(0)),
            limit: AtomicU32::new(limit),
            depth: AtomicUsize::new(0),
            queue: Mutex::new(WaitQueue::default()),
            max_queue,
            max_wait,
            controller,
            series,
        }
    }

    /// Returns the units in use.
    pub(super) fn in_flight(&self) -> u64 {
        self.state.0.load(Ordering::Relaxed) & !WAITERS
    }

    pub(super) fn limit(&self) -> u32 {
        self.limit.load(Ordering::Relaxed)
    }

    /// Returns the number of waiters.
    pub(super) fn depth(&self) -> usize {
        self.depth.load(Ordering::Relaxed)
    }

    /// Acquires `weight` units if they are free and the queue is empty.
    #[inline]
    pub(super) fn try_acquire(&self, weight: u32) -> Option<Grant> {
        self.take(weight, false)
    }

    /// Takes `weight` units if they are free. A weight above the limit takes the whole limit, so
    /// that a heavy request is slow and not impossible.
    #[inline]
    fn take(&self, weight: u32, from_queue: bool) -> Option<Grant> {
        let limit = self.limit.load(Ordering::Relaxed);
        let weight = weight.min(limit);
        let mut state = self.state.0.load(Ordering::Relaxed);
        loop {
            if state & WAITERS != 0 && !from_queue {
                return None;
            }
            let in_use = (state & !WAITERS) + u64::from(weight);
            if in_use > u64::from(limit) {
                return None;
            }
            // Acquire: pairs with the release of the request whose units these were.
            match self.state.0.compare_exchange_weak(
                state,
                state + u64::from(weight),
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Some(Grant { weight, in_use }),
                Err(now) => state = now,
            }
        }
    }

    /// Releases units and hands them to the next waiters.
    #[inline]
    pub(super) fn release(&self, weight: u32) {
        if self.put_back(weight) {
            self.dispatch();
        }
    }

    /// Puts units back. Returns whether there are waiters, to which the caller has to dispatch
    /// them.
    #[inline]
    fn put_back(&self, weight: u32) -> bool {
        self.state.0.fetch_sub(u64::from(weight), Ordering::Release) & WAITERS != 0
    }

    fn lock_queue(&self) -> MutexGuard<'_, WaitQueue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the limit. The caller has to [`dispatch`](Self::dispatch) the units that a higher limit
    /// frees. A lower limit cancels no request; the units above it are not granted again.
    pub(super) fn set_limit(&self, limit: u32) {
        // Under the lock: a request that joins the queue after this sees the new limit.
        let _queue = self.lock_queue();
        self.limit.store(limit, Ordering::Relaxed);
    }

    /// Publishes the length of the queue. Called under the lock, so that the queue, the `WAITERS`
    /// bit and the depth agree.
    fn publish_depth(&self, queue: &mut WaitQueue) {
        self.depth.store(queue.len(), Ordering::Relaxed);
        if queue.is_empty() {
            queue.reset_burst();
            self.state.0.fetch_and(!WAITERS, Ordering::Relaxed);
        }
    }

    /// Joins the queue. Returns the reason of the refusal if there is no room.
    pub(super) fn enqueue(&self, weight: u32, priority: Priority) -> Result<Enqueued, Reason> {
        // There is no timer without a runtime, and a wait has to end.
        if self.max_queue == 0 || tokio::runtime::Handle::try_current().is_err() {
            return Err(Reason::Limit);
        }
        if priority == Priority::Normal && self.depth() >= self.max_queue {
            return Err(Reason::QueueFull);
        }
        let since = Instant::now();
        let mut displaced = None;
        let (id, granted) = {
            let mut queue = self.lock_queue();
            if queue.len() >= self.max_queue {
                displaced = match priority {
                    Priority::Critical => queue.displace(since, self.max_wait),
                    Priority::Normal => None,
                };
                if displaced.is_none() {
                    return Err(Reason::QueueFull);
                }
            }
            self.state.0.fetch_or(WAITERS, Ordering::Relaxed);
            let pushed = queue.push(weight, priority, since);
            self.publish_depth(&mut queue);
            pushed
        };
        // Not under the lock: dropping the sender wakes the displaced waiter, and a waker runs code
        // of others.
        drop(displaced);
        // Units may have been released before the `WAITERS` bit was set.
        self.dispatch();
        Ok(Enqueued { id, granted, since })
    }

    /// Removes a waiter from the queue, if it is still there.
    pub(super) fn leave(&self, id: WaiterId) {
        let left = {
            let mut queue = self.lock_queue();
            let left = queue.remove(id);
            if left.is_some() {
                self.publish_depth(&mut queue);
            }
            left
        };
        if left.is_some() {
            drop(left);
            // A heavy waiter at the head of the queue may have kept lighter ones waiting.
            self.dispatch();
        }
    }

    /// Hands free units to waiters, one waiter at a time.
    #[cold]
    pub(super) fn dispatch(&self) {
        loop {
            let (waiter, grant) = {
                let mut queue = self.lock_queue();
                let Some((id, weight)) = queue.next(Instant::now(), self.max_wait) else { return };
                let Some(grant) = self.take(weight, true) else { return };
                let Some(waiter) = queue.remove(id) else { return };
                self.publish_depth(&mut queue);
                (waiter, grant)
            };
            // Not under the lock: a waker runs code of others.
            if let Err(grant) = waiter.send(grant) {
                // The waiter was dropped at this moment. The loop hands its units to the next one.
                self.put_back(grant.weight);
            }
        }
    }
}
