//! The controller of an adaptive limit, which requests feed with latencies.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use super::gradient::{Gradient, Internals, Sample};
use super::settings::GradientSettings;
use super::tally::{Snapshot, Tally};
use sre_kit_core::internal::{Clock, Reading};
use sre_kit_metrics::internal::ShardedCells;

/// Collects latencies for a [`Gradient`].
pub(crate) struct Controller {
    clock: Clock,
    epoch: Reading,
    /// The time until which the gradient needs only the mean of good latencies, in nanoseconds
    /// since `epoch`.
    next_update: AtomicU64,
    /// By the shard of the thread that measured.
    tallies: Box<[Tally]>,
    cells: Arc<ShardedCells>,
    state: Mutex<State>,
}

struct State {
    gradient: Gradient,
    snapshots: Box<[Snapshot]>,
}

impl Controller {
    pub(crate) fn new(settings: GradientSettings, clock: Clock, cells: Arc<ShardedCells>) -> Self {
        let seed = RandomState::new().build_hasher().finish();
        let tallies: Box<[_]> = (0..cells.shard_count()).map(|_| Tally::default()).collect();
        let snapshots = tallies.iter().map(|_| Snapshot::default()).collect();
        let state = State { gradient: Gradient::new(settings, seed), snapshots };
        let (epoch, next_update) = (clock.read(), AtomicU64::new(0));
        Self { clock, epoch, next_update, tallies, cells, state: Mutex::new(state) }
    }

    #[inline]
    pub(crate) fn now(&self) -> Reading {
        self.clock.read()
    }

    /// Records a latency that began at `started`. Returns whether the limit changes.
    ///
    /// A new limit is passed to `set` under the lock of the gradient, so limits are set in the
    /// order in which they are decided.
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
        if good && sample.now < self.next_update.load(Ordering::Relaxed) {
            self.tallies[self.cells.current_shard().index()].add(sample.nanos, in_use);
            return false;
        }
        self.update(sample, set)
    }

    /// Updates the gradient. Skips the latency if another thread holds the lock: a mean of many
    /// latencies tolerates that, and no request waits for the lock.
    #[cold]
    fn update(&self, sample: Sample, set: impl FnOnce(u32)) -> bool {
        let mut state = match self.state.try_lock() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return false,
        };
        let State { gradient, snapshots } = &mut *state;
        for (tally, snapshot) in self.tallies.iter().zip(snapshots) {
            if let Some(added) = tally.added_since(snapshot) {
                gradient.add(added.sum as f64, added.count, added.peak);
            }
        }
        let changed = gradient.record(sample).map(set).is_some();
        self.next_update.store(gradient.next_update(), Ordering::Relaxed);
        changed
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
