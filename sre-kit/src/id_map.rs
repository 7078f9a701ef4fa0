//! An insert-only map from 64-bit keys to 32-bit ids that is read without a lock.

use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// The slots of the first table. Each further table has twice as many.
const FIRST: usize = 8;

/// An insert-only map from non-zero keys to ids.
///
/// It uses open addressing with linear probing. When a table is three quarters full, the next one,
/// twice as large, is chained behind it. Entries never move, so a reader needs no lock. Most routes
/// need only the first table.
pub(crate) struct IdMap {
    first: Table,
    /// The entries of the last table. The lock is held while an entry is inserted.
    used: Mutex<usize>,
}

struct Table {
    slots: Box<[Slot]>,
    next: OnceLock<Box<Table>>,
}

#[derive(Default)]
struct Slot {
    /// 0 while the slot is free. Stored with release order after the value, so a reader that sees
    /// the key sees the value.
    key: AtomicU64,
    value: AtomicU32,
}

impl Table {
    fn new(slots: usize) -> Self {
        Self { slots: (0..slots).map(|_| Slot::default()).collect(), next: OnceLock::new() }
    }

    /// Returns the slot of `key`, or as an error the free slot where it belongs.
    #[inline]
    fn probe(&self, key: u64) -> Result<&Slot, &Slot> {
        let mask = self.slots.len() - 1;
        // Fibonacci hashing: the high bits of the product depend on every bit of the key.
        #[allow(clippy::cast_possible_truncation)]
        let mut i = (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize & mask;
        loop {
            let slot = &self.slots[i];
            match slot.key.load(Ordering::Acquire) {
                found if found == key => return Ok(slot),
                0 => return Err(slot),
                _ => i = (i + 1) & mask,
            }
        }
    }
}

impl IdMap {
    pub(crate) fn new() -> Self {
        Self::with_slots(FIRST)
    }

    /// Creates a map with `slots` in its first table, a power of two. The table takes three
    /// quarters as many keys.
    pub(crate) fn with_slots(slots: usize) -> Self {
        Self { first: Table::new(slots), used: Mutex::new(0) }
    }

    /// Returns the id of `key`, if it has one.
    #[inline]
    pub(crate) fn get(&self, key: u64) -> Option<u32> {
        let mut table = &self.first;
        loop {
            if let Ok(slot) = table.probe(key) {
                return Some(slot.value.load(Ordering::Relaxed));
            }
            table = table.next.get()?;
        }
    }

    /// Returns the id of `key`, and creates it with `make` if there is none.
    ///
    /// `make` runs under a lock and once per key. If it returns `None`, nothing is inserted, and
    /// the next call for the key runs `make` again.
    #[cold]
    pub(crate) fn get_or_insert(
        &self,
        key: u64,
        make: impl FnOnce() -> Option<u32>,
    ) -> Option<u32> {
        debug_assert_ne!(key, 0, "0 marks a free slot");
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = self.get(key) {
            return Some(found);
        }
        let value = make()?;
        let mut last = &self.first;
        while let Some(next) = last.next.get() {
            last = next;
        }
        if *used >= last.slots.len() / 4 * 3 {
            last = last.next.get_or_init(|| Box::new(Table::new(last.slots.len() * 2)));
            *used = 0;
        }
        let (Ok(slot) | Err(slot)) = last.probe(key);
        slot.value.store(value, Ordering::Relaxed);
        slot.key.store(key, Ordering::Release);
        *used += 1;
        Some(value)
    }
}

impl fmt::Debug for IdMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdMap").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use proptest::prelude::*;

    use super::IdMap;

    proptest! {
        #[test]
        fn behaves_like_a_map(keys in proptest::collection::vec(1_u64..500, 0..800)) {
            let map = IdMap::new();
            let mut model = HashMap::new();
            for (i, &key) in keys.iter().enumerate() {
                let i = u32::try_from(i).expect("few");
                let expected = *model.entry(key).or_insert(i);
                prop_assert_eq!(map.get_or_insert(key, || Some(i)), Some(expected));
            }
            for key in 1..500 {
                prop_assert_eq!(map.get(key), model.get(&key).copied());
            }
        }
    }

    #[test]
    fn threads_that_race_for_a_key_agree_on_its_id() {
        let map = Arc::new(IdMap::new());
        let made = Arc::new(AtomicU32::new(0));
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let (map, made) = (Arc::clone(&map), Arc::clone(&made));
                std::thread::spawn(move || {
                    (1..2_000_u64)
                        .map(|key| {
                            map.get(key).or_else(|| {
                                map.get_or_insert(key, || {
                                    Some(made.fetch_add(1, Ordering::Relaxed))
                                })
                            })
                        })
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        let seen: Vec<_> = threads.into_iter().map(|t| t.join().expect("no panic")).collect();
        assert!(seen.windows(2).all(|pair| pair[0] == pair[1]));
        assert_eq!(made.load(Ordering::Relaxed), 1_999, "each id was made once");
    }

    #[test]
    fn a_key_without_an_id_is_made_again() {
        let map = IdMap::new();
        assert_eq!(map.get_or_insert(7, || None), None);
        assert_eq!(map.get_or_insert(7, || Some(1)), Some(1));
    }
}
