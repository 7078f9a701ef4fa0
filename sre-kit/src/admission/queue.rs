//! Those who wait, and in which order they get in.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Priority;
use super::gate::GateRef;
use super::permit::Permit;

/// Where somebody stands: the lane, and the number that was drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(Priority, u64);

struct Waiter {
    weight: u32,
    grant: oneshot::Sender<Permit>,
}

/// The waiters by arrival, critical ones apart.
#[derive(Default)]
pub(crate) struct Lanes {
    critical: BTreeMap<u64, Waiter>,
    normal: BTreeMap<u64, Waiter>,
    drawn: u64,
    /// Since when there has always been somebody waiting.
    busy_since: Option<Instant>,
}

impl Lanes {
    pub(crate) fn len(&self) -> usize {
        self.critical.len() + self.normal.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.critical.is_empty() && self.normal.is_empty()
    }

    /// Nobody waits: the next rush starts anew.
    pub(crate) fn calm(&mut self) {
        self.busy_since = None;
    }

    /// A queue that has not been empty for as long as anybody in it is willing to
    /// wait is not a burst. From then on the oldest are the ones most likely to
    /// be gone before they are served, so the newest go first.
    fn standing(&self, now: Instant, patience: Duration) -> bool {
        self.busy_since.is_some_and(|since| now.saturating_duration_since(since) > patience)
    }

    fn lane(&mut self, priority: Priority) -> &mut BTreeMap<u64, Waiter> {
        match priority {
            Priority::Critical => &mut self.critical,
            Priority::Normal => &mut self.normal,
        }
    }

    pub(crate) fn push(
        &mut self,
        weight: u32,
        priority: Priority,
        now: Instant,
    ) -> (Place, oneshot::Receiver<Permit>) {
        self.busy_since.get_or_insert(now);
        let number = self.drawn;
        self.drawn += 1;
        let (grant, granted) = oneshot::channel();
        self.lane(priority).insert(number, Waiter { weight, grant });
        (Place(priority, number), granted)
    }

    pub(crate) fn remove(&mut self, place: Place) -> Option<oneshot::Sender<Permit>> {
        self.lane(place.0).remove(&place.1).map(|waiter| waiter.grant)
    }

    /// Who is next, and how much it wants.
    pub(crate) fn next(&self, now: Instant, patience: Duration) -> Option<(Place, u32)> {
        let first = |lane: &BTreeMap<u64, Waiter>, priority, newest: bool| {
            let entry = if newest { lane.last_key_value() } else { lane.first_key_value() };
            entry.map(|(&number, waiter)| (Place(priority, number), waiter.weight))
        };
        first(&self.critical, Priority::Critical, false)
            .or_else(|| first(&self.normal, Priority::Normal, self.standing(now, patience)))
    }

    /// Takes out the normal waiter that would have been served last.
    pub(crate) fn displace(
        &mut self,
        now: Instant,
        patience: Duration,
    ) -> Option<oneshot::Sender<Permit>> {
        let last = if self.standing(now, patience) {
            self.normal.pop_first()
        } else {
            self.normal.pop_last()
        };
        last.map(|(_, waiter)| waiter.grant)
    }
}

/// How a wait ended.
#[derive(Debug)]
pub(crate) enum Waited {
    Admitted(Permit),
    /// A critical request took the place.
    Displaced,
}

/// A place in the queue. Dropping it leaves the queue, and hands on what may
/// have been granted in the same moment.
pub(crate) struct Ticket {
    gate: GateRef,
    place: Place,
    granted: oneshot::Receiver<Permit>,
    since: Instant,
}

impl Ticket {
    pub(crate) fn new(
        gate: GateRef,
        place: Place,
        granted: oneshot::Receiver<Permit>,
        since: Instant,
    ) -> Self {
        Self { gate, place, granted, since }
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Waited> {
        Pin::new(&mut self.granted).poll(cx).map(|granted| match granted {
            Ok(permit) => Waited::Admitted(permit),
            Err(_) => Waited::Displaced,
        })
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let waited = Instant::now().saturating_duration_since(self.since);
        self.gate.gate().series.waited.observe_duration(waited);
        self.gate.leave(self.place);
    }
}
