//! The snapshot ring: the younger a snapshot, the finer the resolution.
//!
//! A window is the difference of two snapshots, so a read costs a few subtractions, and recording
//! an event does not touch the ring. Each slot carries the time of its snapshot. A missed tick is
//! therefore visible as a gap, and a slot of an earlier lap is never taken for a current one.

use std::fmt;
use std::time::Duration;

use super::level::Level;
use super::slot::{Slot, Snapshot};
use super::window_stats::WindowStats;
use sre_kit_slo::{Objective, Period, Window};

/// The time between two snapshots.
pub(crate) const TICK: Duration = Duration::from_secs(2);

/// The number of gaps that are kept apart. Beyond it, the two oldest are joined.
const MAX_GAPS: usize = 32;

/// An interval in which nothing was observed, in milliseconds on the time axis of the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) from: u64,
    pub(crate) to: u64,
}

/// The snapshots of one SLO, in levels of decreasing resolution.
pub(crate) struct Ring {
    objective: Objective,
    levels: Box<[Level]>,
    /// The snapshot that a window begins with if it reaches further back than the ring.
    first: Snapshot,
    newest: Snapshot,
    gaps: Vec<Gap>,
}

impl Ring {
    /// Creates a ring whose only snapshot is zero at time zero.
    pub(crate) fn new(period: Period, objective: Objective) -> Self {
        let mut ring = Self {
            objective,
            levels: Level::for_period(period.as_secs()).into(),
            first: Snapshot::default(),
            newest: Snapshot::default(),
            gaps: Vec::new(),
        };
        ring.push(Snapshot::default());
        ring
    }

    /// Adds a snapshot. Ignores one that is older than the newest.
    #[inline]
    pub(crate) fn push(&mut self, snapshot: Snapshot) {
        if snapshot.at < self.newest.at {
            return;
        }
        let previous = std::mem::replace(&mut self.newest, snapshot);
        for level in &mut self.levels {
            level.push(snapshot, previous);
        }
    }

    /// Returns the newest snapshot.
    #[inline]
    pub(crate) fn newest(&self) -> Snapshot {
        self.newest
    }

    /// Returns the counts of `window`, which ends at the newest snapshot.
    #[inline]
    pub(crate) fn read(&self, window: Window) -> WindowStats {
        let length = millis(window);
        let end = self.newest;
        let start = match end.at.checked_sub(length) {
            Some(target) if target >= self.first.at => self.start(target, length),
            _ => self.first,
        };
        let (good, bad) = end.since(start);
        let span = end.at - start.at;
        let covered = span.min(length).saturating_sub(self.unobserved(end.at, length));
        WindowStats {
            window,
            objective: self.objective,
            good,
            bad,
            span: Duration::from_millis(span),
            coverage: if length == 0 { 0.0 } else { covered as f64 / length as f64 },
        }
    }

    /// Returns the newest snapshot that is not later than `target`, for a window of `length`.
    #[inline]
    fn start(&self, target: u64, length: u64) -> Snapshot {
        let level = self.levels.iter().find(|level| level.reach >= length);
        level.and_then(|level| level.find(target)).unwrap_or_else(|| self.search(target))
    }

    /// Searches all slots, which is needed after missed ticks and for windows that are longer
    /// than the period.
    #[cold]
    fn search(&self, target: u64) -> Snapshot {
        self.levels
            .iter()
            .flat_map(Level::slots)
            .filter_map(|slot| slot.get())
            .filter(|snapshot| snapshot.at <= target)
            .max_by_key(|snapshot| snapshot.at)
            .unwrap_or(self.first)
    }

    /// Returns how many of the `length` milliseconds before `end` were not observed.
    fn unobserved(&self, end: u64, length: u64) -> u64 {
        let start = end.saturating_sub(length);
        let inside = |gap: &Gap| gap.to.min(end).saturating_sub(gap.from.max(start));
        self.gaps.iter().map(inside).sum()
    }

    /// Returns the intervals in which nothing was observed.
    pub(crate) fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// Returns the snapshot that stands for everything older than the ring.
    pub(crate) fn first(&self) -> Snapshot {
        self.first
    }

    /// Returns an iterator over all slots, level by level.
    pub(crate) fn slots(&self) -> impl Iterator<Item = Slot> {
        self.levels.iter().flat_map(Level::slots).copied()
    }

    /// Returns the number of slots.
    pub(crate) fn slot_count(&self) -> usize {
        self.levels.iter().map(|level| level.slots().len()).sum()
    }

    /// Continues from the parts of another ring of the same shape, `pause` milliseconds after it
    /// ended. Returns `None` if the parts do not fit together.
    pub(crate) fn restore(
        mut self,
        first: Snapshot,
        newest: Snapshot,
        gaps: Vec<Gap>,
        mut slots: &[Slot],
        pause: u64,
    ) -> Option<Self> {
        let sound = gaps.iter().all(|gap| gap.from <= gap.to && gap.to <= newest.at);
        if !sound || gaps.len() > MAX_GAPS || first.at > newest.at {
            return None;
        }
        for level in &mut self.levels {
            let (own, rest) = slots.split_at_checked(level.slots().len())?;
            if !level.restore(own, newest.at) {
                return None;
            }
            slots = rest;
        }
        let resumed = newest.at.checked_add(pause).filter(|at| *at <= super::slot::LATEST)?;
        (self.first, self.newest, self.gaps) = (first, newest, gaps);
        if pause > 0 {
            self.add_gap(Gap { from: newest.at, to: resumed });
        }
        self.push(Snapshot { at: resumed, ..newest });
        slots.is_empty().then_some(self)
    }

    fn add_gap(&mut self, gap: Gap) {
        self.gaps.push(gap);
        if self.gaps.len() > MAX_GAPS {
            // The time between the two counts as unobserved too, so that the coverage is
            // understated and never overstated.
            let second = self.gaps.remove(1);
            self.gaps[0].to = second.to;
        }
    }

    /// Returns the bytes on the heap.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        self.slot_count() * size_of::<Slot>() + self.levels.len() * size_of::<Level>()
    }
}

fn millis(window: Window) -> u64 {
    u64::try_from(window.as_duration().as_millis()).unwrap_or(u64::MAX)
}

impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring")
            .field("newest", &self.newest)
            .field("slots", &self.slot_count())
            .finish_non_exhaustive()
    }
}
