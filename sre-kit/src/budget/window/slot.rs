//! Snapshots of the counters, packed into sixteen bytes each.

/// The bits of a count. A window is a difference, so a count may wrap as long as one window has
/// fewer than 2^44 = 1.7 x 10^13 events, which is 6.7 million per second for 30 days.
const COUNT: u32 = 44;
const COUNT_MASK: u64 = (1 << COUNT) - 1;

/// The bits of the time in each of the two words.
const HALF: u32 = 64 - COUNT;

/// The latest time that a slot can hold, in milliseconds. This is 34 years.
pub(crate) const LATEST: u64 = EMPTY - 1;

/// The time that marks an empty slot.
const EMPTY: u64 = (1 << (2 * HALF)) - 1;

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// The time in milliseconds since the first snapshot of the ring.
    pub(crate) at: u64,
    pub(crate) good: u64,
    pub(crate) bad: u64,
}

impl Snapshot {
    /// Returns the good and the bad events between `earlier` and this snapshot.
    #[inline]
    pub(crate) fn since(self, earlier: Self) -> (u64, u64) {
        (
            self.good.wrapping_sub(earlier.good) & COUNT_MASK,
            self.bad.wrapping_sub(earlier.bad) & COUNT_MASK,
        )
    }
}

/// A packed [`Snapshot`], or nothing. The slot holds the time of its snapshot, so that a snapshot
/// of an earlier lap of the ring is not mistaken for a current one.
///
/// The upper [`HALF`] bits of the first word are the upper half of the time, those of the second
/// word are the lower half. The lower [`COUNT`] bits are the good and the bad count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot(pub(crate) [u64; 2]);

impl Slot {
    pub(crate) const EMPTY: Self = Self([u64::MAX; 2]);

    #[inline]
    pub(crate) fn new(snapshot: Snapshot) -> Self {
        let at = snapshot.at.min(LATEST);
        let high = at >> HALF << COUNT;
        let low = at << COUNT;
        Self([high | snapshot.good & COUNT_MASK, low | snapshot.bad & COUNT_MASK])
    }

    #[inline]
    pub(crate) fn at(self) -> Option<u64> {
        let at = self.0[0] >> COUNT << HALF | self.0[1] >> COUNT;
        (at != EMPTY).then_some(at)
    }

    #[inline]
    pub(crate) fn get(self) -> Option<Snapshot> {
        let at = self.at()?;
        Some(Snapshot { at, good: self.0[0] & COUNT_MASK, bad: self.0[1] & COUNT_MASK })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{LATEST, Slot, Snapshot};

    #[test]
    fn an_empty_slot_holds_nothing() {
        assert_eq!(Slot::EMPTY.get(), None);
        assert_eq!(size_of::<Slot>(), 16);
    }

    proptest! {
        #[test]
        fn every_snapshot_comes_back(
            at in 0..=LATEST, good in 0_u64..1 << 44, bad in 0_u64..1 << 44
        ) {
            let snapshot = Snapshot { at, good, bad };
            prop_assert_eq!(Slot::new(snapshot).get(), Some(snapshot));
        }

        #[test]
        fn a_difference_survives_wrapped_counts(
            good: u64, bad: u64, more in 0_u64..1 << 44, worse in 0_u64..1 << 44
        ) {
            let earlier = Slot::new(Snapshot { at: 1, good, bad }).get().expect("held");
            let later = Snapshot {
                at: 2, good: good.wrapping_add(more), bad: bad.wrapping_add(worse)
            };
            prop_assert_eq!(later.since(earlier), (more, worse));
        }
    }
}
