//! Latencies that are added up where they were measured.

use std::sync::atomic::{AtomicU64, Ordering};

/// Bits of the sum, in nanoseconds: five hours between two looks.
const SUM: u32 = 44;
const SUM_MASK: u64 = (1 << SUM) - 1;

/// Bits of the count: a million latencies between two looks.
const COUNT_MASK: u64 = (1 << (64 - SUM)) - 1;

/// The latencies that one thread has measured, for another to look at.
///
/// Sum and count share a word, so that a look sees both or neither of a latency,
/// and they only grow, so that a look changes nothing. Two threads that share a
/// tally may lose one now and then: a mean of many does not miss one.
#[derive(Default)]
#[repr(align(128))]
pub(super) struct Tally {
    word: AtomicU64,
    peak: AtomicU64,
}

/// What a tally had grown to at the last look.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen(u64);

/// What came to a tally since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Added {
    pub(super) sum: u64,
    pub(super) count: u32,
    pub(super) peak: u64,
}

impl Tally {
    #[inline]
    pub(super) fn add(&self, nanos: u64, in_use: u64) {
        let word = self.word.load(Ordering::Relaxed);
        let sum = word.wrapping_add(nanos) & SUM_MASK;
        let count = (word >> SUM).wrapping_add(1) << SUM;
        self.word.store(count | sum, Ordering::Relaxed);
        if in_use > self.peak.load(Ordering::Relaxed) {
            self.peak.store(in_use, Ordering::Relaxed);
        }
    }

    /// What came since the last look; `None` for nothing.
    pub(super) fn look(&self, seen: &mut Seen) -> Option<Added> {
        let word = self.word.load(Ordering::Relaxed);
        let before = std::mem::replace(&mut seen.0, word);
        if word == before {
            return None;
        }
        let count = (word >> SUM).wrapping_sub(before >> SUM) & COUNT_MASK;
        Some(Added {
            sum: word.wrapping_sub(before) & SUM_MASK,
            // Twenty bits.
            count: u32::try_from(count).unwrap_or(u32::MAX),
            peak: self.peak.swap(0, Ordering::Relaxed),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Added, Seen, Tally};

    #[test]
    fn a_look_sees_what_came_since_the_last_one() {
        let (tally, mut seen) = (Tally::default(), Seen::default());
        assert_eq!(tally.look(&mut seen), None);
        tally.add(5, 1);
        tally.add(7, 3);
        assert_eq!(tally.look(&mut seen), Some(Added { sum: 12, count: 2, peak: 3 }));
        assert_eq!(tally.look(&mut seen), None);
        tally.add(1, 2);
        assert_eq!(tally.look(&mut seen), Some(Added { sum: 1, count: 1, peak: 2 }));
    }

    #[test]
    fn sums_and_counts_may_wrap() {
        let (tally, mut seen) = (Tally::default(), Seen::default());
        for _ in 0..1 << 20 {
            tally.add((1 << 44) - 1, 1);
            assert!(tally.look(&mut seen).is_some());
        }
        for _ in 0..3 {
            tally.add(10, 1);
        }
        assert_eq!(tally.look(&mut seen), Some(Added { sum: 30, count: 3, peak: 1 }));
    }
}
