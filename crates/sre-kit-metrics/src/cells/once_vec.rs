//! A vector of lazily created elements that is read without a lock.

use std::fmt;
use std::sync::OnceLock;

/// Buckets double in size, so this many hold 2^16 - 1 elements.
const BUCKETS: usize = 16;

/// The most elements that an [`OnceVec`] can hold.
pub(super) const MAX_LEN: usize = (1 << BUCKETS) - 1;

/// A sparse vector whose elements are created at most once, never moved and never removed.
///
/// Bucket `b` holds the 2^b elements from 2^b - 1 on, so one
/// leading-zero count finds an element, and growth never copies what readers hold.
pub(super) struct OnceVec<T> {
    buckets: [OnceLock<Box<[OnceLock<T>]>>; BUCKETS],
}

impl<T> OnceVec<T> {
    pub(super) const fn new() -> Self {
        Self { buckets: [const { OnceLock::new() }; BUCKETS] }
    }

    #[inline]
    fn locate(index: usize) -> (usize, usize) {
        let n = index + 1;
        let bucket = n.ilog2() as usize;
        (bucket, n - (1 << bucket))
    }

    /// Returns the element at `index`, if it was created.
    #[inline]
    pub(super) fn get(&self, index: usize) -> Option<&T> {
        let (bucket, offset) = Self::locate(index);
        self.buckets.get(bucket)?.get()?.get(offset)?.get()
    }

    /// Returns the element at `index` and creates it if necessary.
    ///
    /// Returns `None` only if `index` is not below [`MAX_LEN`].
    #[inline]
    pub(super) fn get_or_init(&self, index: usize, create: impl FnOnce() -> T) -> Option<&T> {
        if let Some(found) = self.get(index) {
            return Some(found);
        }
        self.init(index, create)
    }

    #[cold]
    fn init(&self, index: usize, create: impl FnOnce() -> T) -> Option<&T> {
        let (bucket, offset) = Self::locate(index);
        let bucket = self
            .buckets
            .get(bucket)?
            .get_or_init(|| (0..1_usize << bucket).map(|_| OnceLock::new()).collect());
        Some(bucket[offset].get_or_init(create))
    }
}

impl<T> fmt::Debug for OnceVec<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnceVec").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_LEN, OnceVec};

    #[test]
    fn every_index_has_an_element_of_its_own() {
        let elements = OnceVec::new();
        for i in 0..1_000 {
            assert_eq!(elements.get(i), None);
            assert_eq!(elements.get_or_init(i, || i), Some(&i));
        }
        for i in 0..1_000 {
            assert_eq!(elements.get(i), Some(&i), "nothing was overwritten");
        }
    }

    #[test]
    fn an_index_past_the_end_is_refused_and_not_a_panic() {
        let elements = OnceVec::new();
        assert_eq!(elements.get_or_init(MAX_LEN - 1, || 1), Some(&1));
        assert_eq!(elements.get_or_init(MAX_LEN, || 1), None);
        assert_eq!(elements.get(MAX_LEN), None);
    }
}
