//! What is kept for one SLO.

use sre_kit_metrics::internal::CounterInternals as _;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::cells::BudgetCells;
use super::state::{TierCell, TierState};
use super::window::{Ring, Snapshot, TICK};
use crate::metrics::{Counter, CounterFamily};
use sre_kit_metrics::internal::ShardId;
use sre_kit_slo::{Definition, Slos};

/// The reason under which an undeclared one is counted.
const OTHER: &str = "other";

/// The counters and the ring of one SLO.
pub(super) struct Track {
    pub(super) slos: Slos,
    place: usize,
    /// The counters that `/metrics` exports: there are no others.
    good: Counter,
    bad: Counter,
    /// One per declared reason, in their order.
    excluded: Box<[Counter]>,
    excluded_family: CounterFamily,
    other: OnceLock<Counter>,
    past: Mutex<Past>,
    tiers: Box<[TierCell]>,
}

/// The ring, and what lay before the counters' zero.
struct Past {
    ring: Ring,
    /// Added to the clock: where a restored ring goes on.
    since: u64,
    /// Added to the counters, which begin at zero in every process.
    before: Snapshot,
}

impl Track {
    pub(super) fn new(
        slos: &Slos,
        place: usize,
        events: &CounterFamily,
        excluded: &CounterFamily,
    ) -> Option<Self> {
        let slo = slos.iter().nth(place)?;
        let (service, name) = (slos.service(), slo.name());
        let ring = Ring::new(slo.period(), slo.objective());
        Some(Self {
            place,
            good: events.with(&[service, name, "good"]),
            bad: events.with(&[service, name, "bad"]),
            excluded: slo.reasons().iter().map(|r| excluded.with(&[service, name, r])).collect(),
            excluded_family: excluded.clone(),
            other: OnceLock::new(),
            past: Mutex::new(Past { ring, since: 0, before: Snapshot::default() }),
            tiers: slo.tiers().iter().map(|_| TierCell::default()).collect(),
            slos: slos.clone(),
        })
    }

    pub(super) fn definition(&self) -> &Definition {
        self.slos.iter().nth(self.place).expect("made from a place in the set")
    }

    #[inline]
    pub(super) fn good(&self, events: u64) {
        self.good.add(events);
    }

    #[inline]
    pub(super) fn bad(&self, events: u64) {
        self.bad.add(events);
    }

    /// Counts an event that is left out.
    pub(super) fn exclude(&self, reason: &str) {
        let place = self.definition().reasons().iter().position(|known| known == reason);
        let counter = place.and_then(|place| self.excluded.get(place));
        counter.unwrap_or_else(|| self.other()).inc();
    }

    /// Its cells in one column.
    pub(super) fn cells(&self, place: ShardId) -> BudgetCells {
        BudgetCells {
            good: self.good.shard_cells(place),
            bad: self.bad.shard_cells(place),
            excluded: self.excluded.iter().map(|counter| counter.shard_cells(place)).collect(),
        }
    }

    #[cold]
    fn other(&self) -> &Counter {
        self.other.get_or_init(|| {
            self.excluded_family.with(&[self.slos.service(), self.definition().name(), OTHER])
        })
    }

    /// Good and bad events since the process began.
    pub(super) fn totals(&self) -> (u64, u64) {
        (self.good.get(), self.bad.get())
    }

    /// Excluded events since the process began, by reason.
    pub(super) fn excluded(&self) -> Vec<(&str, u64)> {
        let reasons = self.definition().reasons().iter().map(String::as_str);
        let mut all: Vec<_> = reasons.zip(self.excluded.iter().map(Counter::get)).collect();
        all.extend(self.other.get().map(|other| (OTHER, other.get())));
        all
    }

    /// Takes a snapshot, and sets the states of the tiers by it.
    pub(super) fn tick(&self, now: u64) {
        self.tick_within(&mut self.lock(), now);
    }

    fn tick_within(&self, past: &mut Past, now: u64) {
        self.snapshot(past, now);
        for (tier, cell) in self.definition().tiers().iter().zip(&self.tiers) {
            if let Some((state, pages)) = cell.update(tier, &past.ring) {
                self.changed(tier.name(), state, pages);
            }
        }
    }

    #[cold]
    fn changed(&self, tier: &str, state: TierState, pages: bool) {
        let (service, slo) = (self.slos.service(), self.definition().name());
        if state == TierState::Firing {
            tracing::warn!(service, slo, tier, pages, "the error budget burns too fast");
        } else {
            tracing::debug!(service, slo, tier, %state, "the burn tier changed");
        }
    }

    fn snapshot(&self, past: &mut Past, now: u64) {
        // Bad before good: an event that is counted in between is at most missing
        // from the good ones, so an error is never seen before its time.
        let bad = self.bad.get().wrapping_add(past.before.bad);
        let good = self.good.get().wrapping_add(past.before.good);
        past.ring.push(Snapshot { at: past.since.saturating_add(now), good, bad });
    }

    /// Reads the ring as of `now`. Takes a snapshot first if one is due and the
    /// ticker has not.
    pub(super) fn read<T>(&self, now: u64, read: impl FnOnce(&Ring) -> T) -> T {
        let mut past = self.lock();
        let age = past.since.saturating_add(now).saturating_sub(past.ring.newest().at);
        if u128::from(age) >= TICK.as_millis() {
            self.tick_within(&mut past, now);
        }
        read(&past.ring)
    }

    /// Reads the ring as it is.
    pub(super) fn with_ring<T>(&self, read: impl FnOnce(&Ring) -> T) -> T {
        read(&self.lock().ring)
    }

    /// Goes on with a ring of an earlier process.
    pub(super) fn resume(&self, ring: Ring, now: u64) {
        let mut past = self.lock();
        let newest = ring.newest();
        past.since = newest.at.saturating_sub(now);
        past.before = newest;
        past.ring = ring;
    }

    #[inline]
    pub(super) fn tiers(&self) -> &[TierCell] {
        &self.tiers
    }

    fn lock(&self) -> MutexGuard<'_, Past> {
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
