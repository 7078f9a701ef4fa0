//! Sums of latencies per thread.

use std::sync::atomic::{AtomicU64, Ordering};

/// The bits of the sum, in nanoseconds: enough for almost five hours between two snapshots.
const SUM_BITS: u32 = 44;
const SUM_MASK: u64 = (1 << SUM_BITS) - 1;

/// The other bits count latencies: enough for a million between two snapshots.
const COUNT_MASK: u64 = (1 << (64 - SUM_BITS)) - 1;

/// The sum of the latencies that one thread has measured, which another thread reads.
///
/// Sum and count share a word, so that a reader sees both or neither of a latency. They only grow,
/// so a reader does not write them. Two threads that share a tally may lose a latency, which a mean
/// of many tolerates.
#[derive(Default)]
#[repr(align(128))]
pub(super) struct Tally {
    packed: AtomicU64,
    peak: AtomicU64,
}

/// The state of a tally when it was last read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Snapshot(u64);

/// The latencies that a tally has counted since a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Added {
    pub(super) sum: u64,
    pub(super) count: u32,
    pub(super) peak: u64,
}

impl Tally {
    #[inline]
    pub(super) fn add(&self, nanos: u64, in_use: u64) {
        let packed = self.packed.load(Ordering::Relaxed);
        let sum = packed.wrapping_add(nanos) & SUM_MASK;
        let count = (packed >> SUM_BITS).wrapping_add(1) << SUM_BITS;
        self.packed.store(count | sum, Ordering::Relaxed);
        if in_use > self.peak.load(Ordering::Relaxed) {
            self.peak.store(in_use, Ordering::Relaxed);
        }
    }

    /// Returns the latencies since the snapshot and updates it. Returns `None` if there are none.
    pub(super) fn added_since(&self, snapshot: &mut Snapshot) -> Option<Added> {
        let packed = self.packed.load(Ordering::Relaxed);
        let before = std::mem::replace(&mut snapshot.0, packed);
        if packed == before {
            return None;
        }
        let count = (packed >> SUM_BITS).wrapping_sub(before >> SUM_BITS) & COUNT_MASK;
        Some(Added {
            sum: packed.wrapping_sub(before) & SUM_MASK,
            // The count has 20 bits.
            count: u32::try_from(count).unwrap_or(u32::MAX),
            peak: self.peak.swap(0, Ordering::Relaxed),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Added, Snapshot, Tally};

    #[test]
    fn reading_returns_what_was_added_since_the_snapshot() {
        let (tally, mut snapshot) = (Tally::default(), Snapshot::default());
        assert_eq!(tally.added_since(&mut snapshot), None);
        tally.add(5, 1);
        tally.add(7, 3);
        assert_eq!(tally.added_since(&mut snapshot), Some(Added { sum: 12, count: 2, peak: 3 }));
        assert_eq!(tally.added_since(&mut snapshot), None);
        tally.add(1, 2);
        assert_eq!(tally.added_since(&mut snapshot), Some(Added { sum: 1, count: 1, peak: 2 }));
    }

    #[test]
    fn sums_and_counts_may_wrap() {
        let (tally, mut snapshot) = (Tally::default(), Snapshot::default());
        for _ in 0..1 << 20 {
            tally.add((1 << 44) - 1, 1);
            assert!(tally.added_since(&mut snapshot).is_some());
        }
        for _ in 0..3 {
            tally.add(10, 1);
        }
        assert_eq!(tally.added_since(&mut snapshot), Some(Added { sum: 30, count: 3, peak: 1 }));
    }
}
