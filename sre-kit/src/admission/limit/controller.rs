//! The adaptive limit beside the requests that feed it.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use super::gradient::{Gradient, Internals, Sample};
use super::settings::GradientSettings;
use super::tally::{Seen, Tally};
use sre_kit_core::internal::{Clock, Reading};
use sre_kit_metrics::internal::ShardedCells;

/// Feeds latencies to a [`Gradient`].
pub(crate) struct Controller {
    clock: Clock,
    epoch: Reading,
    /// Until then the gradient wants to know of good work no more than its mean.
    due: AtomicU64,
    /// By the column of the thread that measured.
    tallies: Box<[Tally]>,
    cells: Arc<ShardedCells>,
    state: Mutex<State>,
}

struct State {
    gradient: Gradient,
    seen: Box<[Seen]>,
}

impl Controller {
    pub(crate) fn new(settings: GradientSettings, clock: Clock, cells: Arc<ShardedCells>) -> Self {
        let seed = RandomState::new().build_hasher().finish();
        let tallies: Box<[_]> = (0..cells.shard_count()).map(|_| Tally::default()).collect();
        let seen = tallies.iter().map(|_| Seen::default()).collect();
        let state = State { gradient: Gradient::new(settings, seed), seen };
        let (epoch, due) = (clock.read(), AtomicU64::new(0));
        Self { clock, epoch, due, tallies, cells, state: Mutex::new(state) }
    }

    #[inline]
    pub(crate) fn now(&self) -> Reading {
        self.clock.read()
    }

    /// Records a latency that began at `started`. If the limit is to be another,
    /// `set` gets it, before the next latency is recorded: limits never overtake
    /// each other. Says whether that was so.
    #[inline]
    pub(crate) fn record(
        &self,
        started: Reading,
        in_use: u64,
        good: bool,
        set: impl FnOnce(u32),
    ) -> bool {
        let end = self.clock.read();
        let sample = Sample {
            now: self.clock.nanos_between(self.epoch, end),
            nanos: self.clock.nanos_between(started, end),
            in_use,
            good,
        };
        if good && sample.now < self.due.load(Ordering::Relaxed) {
            self.tallies[self.cells.current_shard().index()].add(sample.nanos, in_use);
            return false;
        }
        self.decide(sample, set)
    }

    /// When another thread is deciding in this moment the latency is left out: a
    /// mean of many does not miss one, and no request waits for a lock.
    #[cold]
    fn decide(&self, sample: Sample, set: impl FnOnce(u32)) -> bool {
        let mut state = match self.state.try_lock() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return false,
        };
        let State { gradient, seen } = &mut *state;
        for (tally, seen) in self.tallies.iter().zip(seen) {
            if let Some(added) = tally.look(seen) {
                gradient.add(added.sum as f64, added.count, added.peak);
            }
        }
        let decided = gradient.record(sample).map(set).is_some();
        self.due.store(gradient.next_look(), Ordering::Relaxed);
        decided
    }

    pub(crate) fn internals(&self) -> Internals {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).gradient.internals()
    }
}

impl fmt::Debug for Controller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Controller").finish_non_exhaustive()
    }
}
