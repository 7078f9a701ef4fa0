//! Snapshots of the counters, finer the younger they are.
//!
//! A window is the difference of two snapshots, so reading all windows costs a
//! few subtractions, and recording costs nothing here at all. Each slot carries
//! the moment at which it was taken: a missed tick leaves a hole that is seen,
//! never a lap of the ring that is taken for a window.

use std::fmt;
use std::time::Duration;

use super::level::Level;
use super::reading::WindowStats;
use super::slot::{Slot, Snapshot};
use crate::slo::Objective;
use sre_kit_slo::{Period, Window};

/// How often a snapshot is due.
pub(crate) const TICK: Duration = Duration::from_secs(2);

/// Times without observation that are told apart. More are joined, the oldest first.
const MAX_GAPS: usize = 32;

/// A time in which nothing was observed, in milliseconds on the ring's axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) from: u64,
    pub(crate) to: u64,
}

pub(crate) struct Ring {
    objective: Objective,
    levels: Box<[Level]>,
    /// What every window begins with that is older than the ring.
    first: Snapshot,
    newest: Snapshot,
    gaps: Vec<Gap>,
}

impl Ring {
    /// An empty ring that begins now.
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

    /// Takes in a snapshot. One that is not later than the last is dropped, except the first.
    #[inline]
    pub(crate) fn push(&mut self, snapshot: Snapshot) {
        if snapshot.at < self.newest.at {
            return;
        }
        let before = std::mem::replace(&mut self.newest, snapshot);
        for level in &mut self.levels {
            level.push(snapshot, before);
        }
    }

    /// The last snapshot.
    #[inline]
    pub(crate) fn newest(&self) -> Snapshot {
        self.newest
    }

    /// What one window says.
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

    /// The newest snapshot that is no later than `target`.
    #[inline]
    fn start(&self, target: u64, length: u64) -> Snapshot {
        let level = self.levels.iter().find(|level| level.reach >= length);
        level.and_then(|level| level.near(target)).unwrap_or_else(|| self.search(target))
    }

    /// The same over all slots: after missed ticks, and for windows beyond the period.
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

    /// Milliseconds of the last `length` in which nothing was observed.
    fn unobserved(&self, end: u64, length: u64) -> u64 {
        let start = end.saturating_sub(length);
        let inside = |gap: &Gap| gap.to.min(end).saturating_sub(gap.from.max(start));
        self.gaps.iter().map(inside).sum()
    }

    /// The times without observation.
    pub(crate) fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// The snapshot that everything older counts as.
    pub(crate) fn first(&self) -> Snapshot {
        self.first
    }

    /// Every slot, level by level.
    pub(crate) fn slots(&self) -> impl Iterator<Item = Slot> {
        self.levels.iter().flat_map(Level::slots).copied()
    }

    /// How many slots there are.
    pub(crate) fn slot_count(&self) -> usize {
        self.levels.iter().map(|level| level.slots().len()).sum()
    }

    /// Goes on where another ring of the same shape ended, `pause` milliseconds
    /// later. `None` when the parts do not fit together.
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
            // The time between the two counts as unobserved too: coverage is never overstated.
            let second = self.gaps.remove(1);
            self.gaps[0].to = second.to;
        }
    }

    /// Bytes on the heap.
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
