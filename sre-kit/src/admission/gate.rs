//! Who is in: one word for the fast path, a queue behind a lock for the rest.

use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Priority;
use super::limit::Controller;
use super::permit::Permit;
use super::queue::{Lanes, Ticket};
use super::series::{Reason, Series};
use sre_kit_metrics::internal::ShardedCells;

/// Set in the word while somebody waits: whoever comes then goes to the queue
/// instead of overtaking it, and whoever leaves hands on what it held.
const WAITERS: u64 = 1 << 63;

/// What all requests of one [`Admission`](super::Admission) share.
pub(crate) struct Gate {
    word: Word,
    limit: AtomicU32,
    /// As many as wait, readable without the lock: a flood is refused cheaply.
    depth: AtomicUsize,
    lanes: Mutex<Lanes>,
    pub(crate) bound: usize,
    pub(crate) patience: Duration,
    pub(crate) controller: Option<Controller>,
    pub(crate) series: Series,
}

/// Units in use, and the flag. Every admission and every end writes it, so it has
/// cache lines of its own: the limit beside it is read and hardly ever written.
#[repr(align(128))]
struct Word(AtomicU64);

impl Gate {
    pub(crate) fn new(
        limit: u32,
        bound: usize,
        patience: Duration,
        controller: Option<Controller>,
        series: Series,
    ) -> Self {
        Self {
            word: Word(AtomicU64::new(0)),
            limit: AtomicU32::new(limit),
            depth: AtomicUsize::new(0),
            lanes: Mutex::new(Lanes::default()),
            bound,
            patience,
            controller,
            series,
        }
    }

    pub(crate) fn in_flight(&self) -> u64 {
        self.word.0.load(Ordering::Relaxed) & !WAITERS
    }

    pub(crate) fn limit(&self) -> u32 {
        self.limit.load(Ordering::Relaxed)
    }

    pub(crate) fn depth(&self) -> usize {
        self.depth.load(Ordering::Relaxed)
    }

    /// Takes up to `weight` units if they are free: all of them, or the whole
    /// limit where it is smaller, so that a heavy request is slow and not impossible.
    ///
    /// Gives the units taken and the units in use with them.
    #[inline]
    fn take(&self, weight: u32, from_queue: bool) -> Option<(u32, u64)> {
        let limit = self.limit.load(Ordering::Relaxed);
        let weight = weight.min(limit);
        let mut word = self.word.0.load(Ordering::Relaxed);
        loop {
            if word & WAITERS != 0 && !from_queue {
                return None;
            }
            let used = (word & !WAITERS) + u64::from(weight);
            if used > u64::from(limit) {
                return None;
            }
            match self.word.0.compare_exchange_weak(
                word,
                word + u64::from(weight),
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Some((weight, used)),
                Err(now) => word = now,
            }
        }
    }

    /// Takes units back; true if somebody waits for them.
    #[inline]
    pub(crate) fn put_back(&self, weight: u32) -> bool {
        self.word.0.fetch_sub(u64::from(weight), Ordering::Release) & WAITERS != 0
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the limit. Nobody is thrown out when it shrinks; units above it are
    /// not given out again. Whom it makes room for is admitted by `dispatch`.
    ///
    /// Under the lock: one who joins the queue after this sees the new limit.
    pub(crate) fn set_limit(&self, limit: u32) {
        let _lanes = self.lanes();
        self.limit.store(limit, Ordering::Relaxed);
    }

    /// Writes down how many wait. Under the lock, so flag and lanes agree.
    fn settle(&self, lanes: &mut Lanes) {
        self.depth.store(lanes.len(), Ordering::Relaxed);
        if lanes.is_empty() {
            lanes.calm();
            self.word.0.fetch_and(!WAITERS, Ordering::Relaxed);
        }
    }
}

/// A reference to the gate that a request may clone without meeting another
/// core, because each shard counts its own.
#[derive(Clone)]
pub(crate) struct GateRef(Arc<Aligned>);

#[repr(align(128))]
struct Aligned(Arc<Gate>);

impl GateRef {
    #[inline]
    pub(crate) fn gate(&self) -> &Gate {
        &self.0.0
    }

    /// Admits at once, or not.
    #[inline]
    fn admit(&self, weight: u32) -> Option<Permit> {
        let (weight, in_use) = self.gate().take(weight, false)?;
        Some(Permit::new(self.clone(), weight, in_use))
    }

    /// Joins the queue, or says why not.
    pub(crate) fn enqueue(&self, weight: u32, priority: Priority) -> Result<Ticket, Reason> {
        let gate = self.gate();
        // Without a runtime there is no timer, and a wait without end is no queue.
        if gate.bound == 0 || tokio::runtime::Handle::try_current().is_err() {
            return Err(Reason::Limit);
        }
        if priority == Priority::Normal && gate.depth() >= gate.bound {
            return Err(Reason::QueueFull);
        }
        let now = Instant::now();
        let mut displaced = None;
        let ticket = {
            let mut lanes = gate.lanes();
            if lanes.len() >= gate.bound {
                displaced = match priority {
                    Priority::Critical => lanes.displace(now, gate.patience),
                    Priority::Normal => None,
                };
                if displaced.is_none() {
                    return Err(Reason::QueueFull);
                }
            }
            gate.word.0.fetch_or(WAITERS, Ordering::Relaxed);
            let (place, grant) = lanes.push(weight, priority, now);
            gate.settle(&mut lanes);
            Ticket::new(self.clone(), place, grant, now)
        };
        // Dropping the sender tells the one that had to go; it may run code of others.
        drop(displaced);
        // Units may have come free before the flag was up.
        self.dispatch();
        Ok(ticket)
    }

    /// Takes a waiter out that will not wait any longer.
    pub(crate) fn leave(&self, place: super::queue::Place) {
        let gate = self.gate();
        let left = {
            let mut lanes = gate.lanes();
            let left = lanes.remove(place);
            if left.is_some() {
                gate.settle(&mut lanes);
            }
            left
        };
        if left.is_some() {
            // It may have been heavy and first, with lighter ones behind it.
            drop(left);
            self.dispatch();
        }
    }

    /// Hands free units to those who wait, one after the other.
    #[cold]
    pub(crate) fn dispatch(&self) {
        let gate = self.gate();
        loop {
            let (grant, permit) = {
                let mut lanes = gate.lanes();
                let Some((place, weight)) = lanes.next(Instant::now(), gate.patience) else {
                    return;
                };
                let Some((weight, in_use)) = gate.take(weight, true) else { return };
                let Some(grant) = lanes.remove(place) else { return };
                gate.settle(&mut lanes);
                (grant, Permit::new(self.clone(), weight, in_use))
            };
            // Not under the lock: a waker is somebody else's code.
            if let Err(permit) = grant.send(permit) {
                // The waiter went away in this moment. Its units go to the next one,
                // here and not in `Drop`, which would come back to this function.
                permit.give_back();
            }
        }
    }
}

/// References to one gate, one per shard.
pub(crate) struct Gates {
    gate: GateRef,
    shards: Box<[GateRef]>,
    cells: Arc<ShardedCells>,
}

impl Gates {
    pub(crate) fn new(gate: Gate, cells: Arc<ShardedCells>) -> Self {
        let gate = Arc::new(gate);
        let reference = || GateRef(Arc::new(Aligned(Arc::clone(&gate))));
        let shards = (0..cells.shard_count()).map(|_| reference()).collect();
        Self { gate: reference(), shards, cells }
    }

    pub(crate) fn shared(&self) -> &GateRef {
        &self.gate
    }

    #[inline]
    pub(crate) fn mine(&self) -> &GateRef {
        &self.shards[self.cells.current_shard().index()]
    }

    /// Admits at once, or not.
    #[inline]
    pub(crate) fn admit(&self, weight: u32) -> Option<Permit> {
        self.mine().admit(weight)
    }
}
