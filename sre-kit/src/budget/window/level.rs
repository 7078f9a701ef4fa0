//! One level of the snapshot ring: snapshots at equal distances.

use super::slot::{Slot, Snapshot};

/// The step and the reach of each level, in seconds. The level for the period is added to them.
///
/// A window begins at most one step early. Each step is at most 0.67 % of the standard windows
/// that the level serves, so that no standard window is more than 0.7 % too long.
const LEVELS: [(u64, u64); 5] = [
    (2, 5 * 60),           // 5 m
    (10, 60 * 60),         // 30 m, 1 h
    (40, 2 * 3_600),       // 2 h
    (120, 6 * 3_600),      // 6 h
    (480, 3 * 24 * 3_600), // 1 d, 3 d
];

/// The longest step of the level for the period, in seconds.
const PERIOD_STEP: u64 = 3_600;

/// The smallest number of steps of the level for the period.
const PERIOD_STEPS: u64 = 180;

/// The slots beyond the reach: for the current bucket, for the bucket in which the window begins,
/// and for the one before it.
const SPARE: u64 = 3;

/// A ring of slots, one per bucket of `step` milliseconds.
#[derive(Clone, Debug)]
pub(super) struct Level {
    /// The length of a bucket in milliseconds.
    step: u64,
    /// The longest window that this level serves, in milliseconds.
    pub(super) reach: u64,
    /// The beginning of the first bucket that has no snapshot yet, in milliseconds.
    due: u64,
    slots: Box<[Slot]>,
}

impl Level {
    /// Returns the levels for a period of `period` seconds, from the finest to the coarsest.
    pub(super) fn for_period(period: u64) -> Vec<Self> {
        let finer = LEVELS.into_iter().take_while(|(_, reach)| *reach < period);
        let last = LEVELS
            .into_iter()
            .find(|(_, reach)| *reach >= period)
            .map_or(PERIOD_STEP, |(step, _)| step)
            .min(period / PERIOD_STEPS)
            .max(1);
        finer.chain([(last, period)]).map(|(step, reach)| Self::new(step, reach)).collect()
    }

    fn new(step: u64, reach: u64) -> Self {
        let len = reach.div_ceil(step) + SPARE;
        Self {
            step: step * 1_000,
            reach: reach * 1_000,
            due: 0,
            slots: (0..len).map(|_| Slot::EMPTY).collect(),
        }
    }

    /// Keeps `snapshot` if it is the first of its bucket. `previous` is the snapshot that was
    /// taken before it.
    #[inline]
    pub(super) fn push(&mut self, snapshot: Snapshot, previous: Snapshot) {
        if snapshot.at < self.due {
            return;
        }
        let bucket = snapshot.at / self.step;
        if snapshot.at >= self.due + self.step {
            // At least one bucket was missed. A window may begin in the gap, so the snapshot
            // before the gap is kept in the bucket before this one, where `find` looks for it.
            let slot = self.slot_index(bucket - 1);
            self.slots[slot] = Slot::new(previous);
        }
        let slot = self.slot_index(bucket);
        self.slots[slot] = Slot::new(snapshot);
        self.due = (bucket + 1) * self.step;
    }

    /// Returns the newest snapshot that is not later than `at` if it was taken in the bucket of
    /// `at` or in the one before. Returns `None` after missed ticks.
    #[inline]
    pub(super) fn find(&self, at: u64) -> Option<Snapshot> {
        let bucket = at / self.step;
        let in_bucket = |bucket: u64| {
            let found = self.slots[self.slot_index(bucket)].get()?;
            // The slot may still hold a snapshot of an earlier lap.
            (found.at >= bucket * self.step && found.at <= at).then_some(found)
        };
        in_bucket(bucket).or_else(|| in_bucket(bucket.checked_sub(1)?))
    }

    fn slot_index(&self, bucket: u64) -> usize {
        // The remainder is below the number of slots, which is a `usize`.
        usize::try_from(bucket % self.slots.len() as u64).unwrap_or(0)
    }

    pub(super) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Replaces the slots by those of a ring of the same shape. Returns `false` if their number
    /// differs or one is later than `newest`, which cannot be.
    pub(super) fn restore(&mut self, slots: &[Slot], newest: u64) -> bool {
        let sound = slots.iter().all(|slot| slot.at().is_none_or(|at| at <= newest));
        if !sound || slots.len() != self.slots.len() {
            return false;
        }
        self.slots.copy_from_slice(slots);
        self.due = (newest / self.step + 1) * self.step;
        true
    }
}
