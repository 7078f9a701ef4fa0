//! A grow-only array that is read without a lock.

use std::fmt;
use std::sync::OnceLock;

/// Buckets double in size, so this many hold 2^16 - 1 elements.
const BUCKETS: usize = 16;

/// How many elements a [`Slots`] can ever hold.
pub(crate) const MAX_SLOTS: usize = (1 << BUCKETS) - 1;

/// Elements by index, each made at most once, never moved and never removed.
///
/// Bucket `b` holds the 2^b elements from 2^b - 1 on, so an index finds its
/// place with one leading-zero count, and growth never copies what readers hold.
pub(crate) struct Slots<T> {
    buckets: [OnceLock<Box<[OnceLock<T>]>>; BUCKETS],
}

impl<T> Slots<T> {
    pub(crate) const fn new() -> Self {
        Self { buckets: [const { OnceLock::new() }; BUCKETS] }
    }

    #[inline]
    fn place(index: usize) -> (usize, usize) {
        let n = index + 1;
        let bucket = n.ilog2() as usize;
        (bucket, n - (1 << bucket))
    }

    /// The element at `index`, if it was made.
    #[inline]
    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        let (bucket, offset) = Self::place(index);
        self.buckets.get(bucket)?.get()?.get(offset)?.get()
    }

    /// The element at `index`, made now if it was not there.
    ///
    /// Returns `None` only when `index` is not below [`MAX_SLOTS`].
    #[inline]
    pub(crate) fn get_or_init(&self, index: usize, make: impl FnOnce() -> T) -> Option<&T> {
        if let Some(found) = self.get(index) {
            return Some(found);
        }
        self.init(index, make)
    }

    #[cold]
    fn init(&self, index: usize, make: impl FnOnce() -> T) -> Option<&T> {
        let (bucket, offset) = Self::place(index);
        let bucket = self
            .buckets
            .get(bucket)?
            .get_or_init(|| (0..1_usize << bucket).map(|_| OnceLock::new()).collect());
        Some(bucket[offset].get_or_init(make))
    }
}

impl<T> fmt::Debug for Slots<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slots").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_SLOTS, Slots};

    #[test]
    fn every_index_has_a_place_of_its_own() {
        let slots = Slots::new();
        for i in 0..1_000 {
            assert_eq!(slots.get(i), None);
            assert_eq!(slots.get_or_init(i, || i), Some(&i));
        }
        for i in 0..1_000 {
            assert_eq!(slots.get(i), Some(&i), "nothing was overwritten");
        }
    }

    #[test]
    fn an_index_past_the_end_is_refused_and_not_a_panic() {
        let slots = Slots::new();
        assert_eq!(slots.get_or_init(MAX_SLOTS - 1, || 1), Some(&1));
        assert_eq!(slots.get_or_init(MAX_SLOTS, || 1), None);
        assert_eq!(slots.get(MAX_SLOTS), None);
    }
}
