//! The queue of waiters and its order.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::priority::Priority;

/// Units that the semaphore hands to a waiter.
#[derive(Debug)]
pub(super) struct Grant {
    pub(super) weight: u32,
    /// The units in use at the time of the grant, including these.
    pub(super) in_use: u64,
}

/// The id of a waiter: its priority and its sequence number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WaiterId(Priority, u64);

struct Waiter {
    weight: u32,
    grant: oneshot::Sender<Grant>,
}

/// The waiters in the order of their arrival, critical ones apart from normal ones.
#[derive(Default)]
pub(super) struct WaitQueue {
    critical: BTreeMap<u64, Waiter>,
    normal: BTreeMap<u64, Waiter>,
    next_seq: u64,
    /// The start of the time in which the queue has never been empty.
    busy_since: Option<Instant>,
}

impl WaitQueue {
    pub(super) fn len(&self) -> usize {
        self.critical.len() + self.normal.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.critical.is_empty() && self.normal.is_empty()
    }

    /// Ends the burst of an empty queue. The next waiter begins a new one.
    pub(super) fn reset_burst(&mut self) {
        self.busy_since = None;
    }

    /// Returns whether the queue is a standing queue instead of a burst: it has not been empty for
    /// `max_wait`.
    ///
    /// The oldest waiters of a standing queue are the likeliest to give up before they are served,
    /// so the newest are served first. The term is that of CoDel, which detects a queue that does
    /// not drain within an interval (K. Nichols, V. Jacobson, "Controlling Queue Delay", ACM Queue
    /// 10(5), 2012).
    fn is_standing_queue(&self, now: Instant, max_wait: Duration) -> bool {
        self.busy_since.is_some_and(|since| now.saturating_duration_since(since) > max_wait)
    }

    fn waiters_mut(&mut self, priority: Priority) -> &mut BTreeMap<u64, Waiter> {
        match priority {
            Priority::Critical => &mut self.critical,
            Priority::Normal => &mut self.normal,
        }
    }

    pub(super) fn push(
        &mut self,
        weight: u32,
        priority: Priority,
        now: Instant,
    ) -> (WaiterId, oneshot::Receiver<Grant>) {
        self.busy_since.get_or_insert(now);
        let seq = self.next_seq;
        self.next_seq += 1;
        let (grant, granted) = oneshot::channel();
        self.waiters_mut(priority).insert(seq, Waiter { weight, grant });
        (WaiterId(priority, seq), granted)
    }

    pub(super) fn remove(&mut self, id: WaiterId) -> Option<oneshot::Sender<Grant>> {
        self.waiters_mut(id.0).remove(&id.1).map(|waiter| waiter.grant)
    }

    /// Returns the waiter that is served next, and its weight.
    pub(super) fn next(&self, now: Instant, max_wait: Duration) -> Option<(WaiterId, u32)> {
        let first = |waiters: &BTreeMap<u64, Waiter>, priority, newest: bool| {
            let entry = if newest { waiters.last_key_value() } else { waiters.first_key_value() };
            entry.map(|(&seq, waiter)| (WaiterId(priority, seq), waiter.weight))
        };
        first(&self.critical, Priority::Critical, false).or_else(|| {
            first(&self.normal, Priority::Normal, self.is_standing_queue(now, max_wait))
        })
    }

    /// Removes the normal waiter that would be served last.
    pub(super) fn displace(
        &mut self,
        now: Instant,
        max_wait: Duration,
    ) -> Option<oneshot::Sender<Grant>> {
        let last = if self.is_standing_queue(now, max_wait) {
            self.normal.pop_first()
        } else {
            self.normal.pop_last()
        };
        last.map(|(_, waiter)| waiter.grant)
    }
}
