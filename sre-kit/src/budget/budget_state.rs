//! The counters, the snapshots and the tier states of one SLO.

use sre_kit_metrics::internal::CounterInternals as _;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::budget_cells::BudgetCells;
use super::tier_state::{TierCell, TierState};
use super::window::{Ring, Snapshot, TICK};
use crate::metrics::{Counter, CounterFamily};
use sre_kit_metrics::internal::ShardId;
use sre_kit_slo::{Definition, Slos};

/// The reason under which every undeclared reason is counted.
const OTHER: &str = "other";

/// The shared state behind the clones of one [`Budget`](super::Budget).
pub(super) struct BudgetState {
    pub(super) slos: Slos,
    /// The index of the SLO in `slos`.
    index: usize,
    /// The counters that `/metrics` exports. The windows are derived from the same counters.
    good: Counter,
    bad: Counter,
    /// One per declared reason, in the order of the definition.
    excluded: Box<[Counter]>,
    excluded_family: CounterFamily,
    other: OnceLock<Counter>,
    history: Mutex<History>,
    tiers: Box<[TierCell]>,
}

/// The snapshots, and how the clock and the counters of this process map onto them.
struct History {
    ring: Ring,
    /// Milliseconds to add to the clock: a restored ring continues on its own time axis.
    time_offset: u64,
    /// Counts to add to the counters, which begin at zero in every process.
    count_offset: Snapshot,
}

impl BudgetState {
    pub(super) fn new(
        slos: &Slos,
        index: usize,
        events: &CounterFamily,
        excluded: &CounterFamily,
    ) -> Option<Self> {
        let slo = slos.iter().nth(index)?;
        let (service, name) = (slos.service(), slo.name());
        let ring = Ring::new(slo.period(), slo.objective());
        let history = History { ring, time_offset: 0, count_offset: Snapshot::default() };
        Some(Self {
            index,
            good: events.with(&[service, name, "good"]),
            bad: events.with(&[service, name, "bad"]),
            excluded: slo.reasons().iter().map(|r| excluded.with(&[service, name, r])).collect(),
            excluded_family: excluded.clone(),
            other: OnceLock::new(),
            history: Mutex::new(history),
            tiers: slo.tiers().iter().map(|_| TierCell::default()).collect(),
            slos: slos.clone(),
        })
    }

    pub(super) fn definition(&self) -> &Definition {
        self.slos.iter().nth(self.index).expect("`new` looked the index up in the same set")
    }

    #[inline]
    pub(super) fn add_good(&self, events: u64) {
        self.good.add(events);
    }

    #[inline]
    pub(super) fn add_bad(&self, events: u64) {
        self.bad.add(events);
    }

    /// Counts an excluded event.
    pub(super) fn exclude(&self, reason: &str) {
        let index = self.definition().reasons().iter().position(|known| known == reason);
        let counter = index.and_then(|index| self.excluded.get(index));
        counter.unwrap_or_else(|| self.other()).inc();
    }

    /// Returns the cells of its counters in `shard`.
    pub(super) fn cells(&self, shard: ShardId) -> BudgetCells {
        BudgetCells {
            good: self.good.shard_cells(shard),
            bad: self.bad.shard_cells(shard),
            excluded: self.excluded.iter().map(|counter| counter.shard_cells(shard)).collect(),
        }
    }

    #[cold]
    fn other(&self) -> &Counter {
        self.other.get_or_init(|| {
            self.excluded_family.with(&[self.slos.service(), self.definition().name(), OTHER])
        })
    }

    /// Returns the good and the bad events since the process started.
    pub(super) fn totals(&self) -> (u64, u64) {
        (self.good.get(), self.bad.get())
    }

    /// Returns the excluded events since the process started, by reason.
    pub(super) fn excluded_total(&self) -> Vec<(&str, u64)> {
        let reasons = self.definition().reasons().iter().map(String::as_str);
        let mut all: Vec<_> = reasons.zip(self.excluded.iter().map(Counter::get)).collect();
        all.extend(self.other.get().map(|other| (OTHER, other.get())));
        all
    }

    /// Takes a snapshot and updates the states of the tiers.
    pub(super) fn tick(&self, now: u64) {
        self.tick_locked(&mut self.lock(), now);
    }

    fn tick_locked(&self, history: &mut History, now: u64) {
        self.take_snapshot(history, now);
        for (tier, cell) in self.definition().tiers().iter().zip(&self.tiers) {
            if let Some((state, pages)) = cell.update(tier, &history.ring) {
                self.log_change(tier.name(), state, pages);
            }
        }
    }

    #[cold]
    fn log_change(&self, tier: &str, state: TierState, pages: bool) {
        let (service, slo) = (self.slos.service(), self.definition().name());
        if state == TierState::Firing {
            tracing::warn!(service, slo, tier, pages, "the error budget burns too fast");
        } else {
            tracing::debug!(service, slo, tier, %state, "the burn tier changed");
        }
    }

    fn take_snapshot(&self, history: &mut History, now: u64) {
        // Read bad before good: a bad event between the two reads is left to the next snapshot
        // and a good one is included, so the error ratio of a snapshot is never too high.
        let bad = self.bad.get().wrapping_add(history.count_offset.bad);
        let good = self.good.get().wrapping_add(history.count_offset.good);
        let at = history.time_offset.saturating_add(now);
        history.ring.push(Snapshot { at, good, bad });
    }

    /// Reads the ring as of `now`. Takes a snapshot first if one is due and the ticker has not
    /// taken it.
    pub(super) fn read<T>(&self, now: u64, read: impl FnOnce(&Ring) -> T) -> T {
        let mut history = self.lock();
        let now_on_ring = history.time_offset.saturating_add(now);
        let age = now_on_ring.saturating_sub(history.ring.newest().at);
        if u128::from(age) >= TICK.as_millis() {
            self.tick_locked(&mut history, now);
        }
        read(&history.ring)
    }

    /// Reads the ring as of its last snapshot.
    pub(super) fn with_ring<T>(&self, read: impl FnOnce(&Ring) -> T) -> T {
        read(&self.lock().ring)
    }

    /// Continues with the ring of an earlier process.
    pub(super) fn resume(&self, ring: Ring, now: u64) {
        let mut history = self.lock();
        let newest = ring.newest();
        history.time_offset = newest.at.saturating_sub(now);
        history.count_offset = newest;
        history.ring = ring;
    }

    #[inline]
    pub(super) fn tiers(&self) -> &[TierCell] {
        &self.tiers
    }

    /// Locks the history.
    ///
    /// No other lock of the budgets is taken while it is held. `log_change` runs under it, so a
    /// log subscriber may load the states of tiers, which are atomics, but must not read windows.
    fn lock(&self) -> MutexGuard<'_, History> {
        // Every slot of the ring carries its own time, so a panic of another thread leaves
        // nothing behind that a later read could take for a longer window.
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
