//! One ring of snapshots, all the same distance apart.

use super::slot::{Slot, Snapshot};

/// Distance and reach of each level, in seconds. The last one is made for the period.
///
/// A window begins at most one step early. Each step is at most 0.56 % of the
/// standard window that the level is there for, or 0.67 % at five minutes, so
/// that no standard window is read more than 0.7 % too long.
const LEVELS: [(u64, u64); 5] = [
    (2, 5 * 60),           // 5 m
    (10, 60 * 60),         // 30 m, 1 h
    (40, 2 * 3_600),       // 2 h
    (120, 6 * 3_600),      // 6 h
    (480, 3 * 24 * 3_600), // 1 d, 3 d
];

/// The period's step, at most, in seconds.
const PERIOD_STEP: u64 = 3_600;

/// The period has at least so many steps.
const PERIOD_STEPS: u64 = 180;

/// Slots beyond the reach: the bucket under way, the one that the window begins
/// in, and the one before it.
const SPARE: u64 = 3;

#[derive(Clone, Debug)]
pub(super) struct Level {
    /// Milliseconds.
    step: u64,
    /// Milliseconds.
    pub(super) reach: u64,
    /// The first bucket that has no snapshot yet begins here.
    due: u64,
    slots: Box<[Slot]>,
}

impl Level {
    /// The levels for a period of so many seconds, the finest first.
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

    /// Keeps `snapshot` if it is the first of its bucket. `before` is the one that
    /// was taken before it.
    #[inline]
    pub(super) fn push(&mut self, snapshot: Snapshot, before: Snapshot) {
        if snapshot.at < self.due {
            return;
        }
        let bucket = snapshot.at / self.step;
        if snapshot.at >= self.due + self.step {
            // After a hole: what was there before it is kept as long as a window
            // may begin in the hole, wherever on the ring it was.
            let slot = self.place(bucket - 1);
            self.slots[slot] = Slot::new(before);
        }
        let slot = self.place(bucket);
        self.slots[slot] = Slot::new(snapshot);
        self.due = (bucket + 1) * self.step;
    }

    /// The newest snapshot that is no later than `at`, where it was taken in the
    /// bucket of `at` or the one before. `None` after missed ticks.
    #[inline]
    pub(super) fn near(&self, at: u64) -> Option<Snapshot> {
        let bucket = at / self.step;
        let of = |bucket: u64| {
            let found = self.slots[self.place(bucket)].get()?;
            // The slot may hold a snapshot of an earlier lap.
            (found.at >= bucket * self.step && found.at <= at).then_some(found)
        };
        of(bucket).or_else(|| of(bucket.checked_sub(1)?))
    }

    fn place(&self, bucket: u64) -> usize {
        // Below the number of slots, which is a `usize`.
        usize::try_from(bucket % self.slots.len() as u64).unwrap_or(0)
    }

    pub(super) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Takes over the slots of a ring of the same shape. What is later than `newest`
    /// can not be, and is refused.
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
