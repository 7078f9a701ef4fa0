//! A hash table that only grows and is read without a lock.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The number of lists. A power of two.
const HEADS: usize = 256;

/// Entries in lists, each of which is appended to and never changed.
pub(super) struct Lookup<K, V> {
    heads: OnceLock<Box<[Link<K, V>]>>,
    len: AtomicUsize,
    max: usize,
    seed: u64,
}

type Link<K, V> = OnceLock<Box<Entry<K, V>>>;

struct Entry<K, V> {
    hash: u64,
    key: K,
    value: V,
    next: Link<K, V>,
}

impl<K, V> Lookup<K, V> {
    /// Creates a table that keeps about `max` entries: a key can come from a client.
    pub(super) fn new(max: usize) -> Self {
        let seed = RandomState::new().hash_one(HEADS);
        Self { heads: OnceLock::new(), len: AtomicUsize::new(0), max, seed }
    }

    /// Returns a hasher with a seed of this table, so that a client cannot choose keys that share
    /// one list.
    #[inline]
    pub(super) fn hasher(&self) -> FoldHasher {
        FoldHasher(self.seed)
    }

    /// Returns the value of the entry with this hash for which `is_it` holds.
    #[inline]
    pub(super) fn get(&self, hash: u64, is_it: impl Fn(&K) -> bool) -> Option<&V> {
        let mut link = self.heads.get()?.get(index(hash))?;
        while let Some(entry) = link.get() {
            if entry.hash == hash && is_it(&entry.key) {
                return Some(&entry.value);
            }
            link = &entry.next;
        }
        None
    }

    /// Keeps an entry, unless the table is full or has one for this key, which stays.
    pub(super) fn insert(&self, hash: u64, key: K, value: V)
    where
        K: PartialEq,
    {
        if self.len.load(Ordering::Relaxed) >= self.max {
            return;
        }
        let heads = self.heads.get_or_init(|| (0..HEADS).map(|_| OnceLock::new()).collect());
        let mut link = &heads[index(hash)];
        let mut new = Box::new(Entry { hash, key, value, next: OnceLock::new() });
        loop {
            match link.set(new) {
                Ok(()) => {
                    self.len.fetch_add(1, Ordering::Relaxed);
                    return;
                }
                // The link is taken, so there is an entry in it.
                Err(refused) => {
                    new = refused;
                    let Some(entry) = link.get() else { return };
                    if entry.hash == hash && entry.key == new.key {
                        return;
                    }
                    link = &entry.next;
                }
            }
        }
    }
}

fn index(hash: u64) -> usize {
    #[allow(clippy::cast_possible_truncation)]
    let low = hash as usize;
    low & (HEADS - 1)
}

impl<K, V> Drop for Lookup<K, V> {
    /// Takes the lists apart one by one: dropping a long list recursively can overflow the stack.
    fn drop(&mut self) {
        for head in self.heads.get_mut().into_iter().flat_map(|heads| heads.iter_mut()) {
            let mut next = head.take();
            while let Some(mut entry) = next {
                next = entry.next.take();
            }
        }
    }
}

impl<K, V> fmt::Debug for Lookup<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookup").field("len", &self.len).finish_non_exhaustive()
    }
}

/// A seeded hash that folds eight bytes at a time with a multiplication of 128 bits, as foldhash
/// and wyhash do.
#[derive(Clone, Copy)]
pub(super) struct FoldHasher(u64);

impl FoldHasher {
    #[inline]
    pub(super) fn word(self, word: u64) -> Self {
        const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
        let product = u128::from(self.0 ^ word) * u128::from(FACTOR);
        #[allow(clippy::cast_possible_truncation)]
        Self((product as u64) ^ ((product >> 64) as u64) ^ self.0.rotate_left(23))
    }

    #[inline]
    pub(super) fn bytes(self, bytes: &[u8]) -> Self {
        let mut hash = self.word(bytes.len() as u64);
        let words = bytes.chunks_exact(8);
        let rest = words.remainder();
        for word in words {
            hash = hash.word(read(word));
        }
        if rest.is_empty() {
            return hash;
        }
        // The last eight bytes, of which some were read before, cost less than a loop.
        match bytes.last_chunk::<8>() {
            Some(last) => hash.word(u64::from_le_bytes(*last)),
            None => hash.word(rest.iter().fold(0, |last, byte| last << 8 | u64::from(*byte))),
        }
    }

    #[inline]
    pub(super) fn finish(self) -> u64 {
        self.0
    }
}

/// Reads a chunk of eight bytes.
#[inline]
fn read(word: &[u8]) -> u64 {
    word.try_into().map_or(0, u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Lookup;

    #[test]
    fn threads_that_insert_at_once_keep_the_first_value_of_each_key() {
        let lookup = Arc::new(Lookup::new(1_000));
        let hash = |lookup: &Lookup<u64, u64>, key| lookup.hasher().word(key).finish();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let lookup = Arc::clone(&lookup);
                scope.spawn(move || {
                    for key in 0..500 {
                        lookup.insert(hash(&lookup, key), key, key * 10 + thread);
                    }
                });
            }
        });
        for key in 0..500 {
            let value = lookup.get(hash(&lookup, key), |other| *other == key).expect("kept");
            assert_eq!(value / 10, key);
            let again = lookup.get(hash(&lookup, key), |other| *other == key);
            assert_eq!(again, Some(value));
        }
        assert_eq!(lookup.len.load(std::sync::atomic::Ordering::Relaxed), 500);
    }

    #[test]
    fn a_full_table_keeps_nothing_more() {
        let lookup = Lookup::new(2);
        for key in 0..10_u64 {
            lookup.insert(key, key, ());
        }
        let kept = (0..10).filter(|key| lookup.get(*key, |other| other == key).is_some()).count();
        assert_eq!(kept, 2);
    }

    #[test]
    fn a_long_list_is_dropped_without_recursion() {
        let lookup = Lookup::new(usize::MAX);
        // All keys share one list, and each is new, so the end is searched for: keep it short of
        // minutes, and far beyond the depth of a test's stack.
        for key in 0..20_000_u64 {
            lookup.insert(0, key, [0_u8; 64]);
        }
        drop(lookup);
    }
}
