//! Ids of threads, which choose the shard that a thread writes in.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// How many ids are exclusive: one thread holds each for as long as it lives. The bits of a word.
pub(super) const EXCLUSIVE: usize = 64;

/// Which exclusive ids are in use, a bit each.
///
/// Process-wide on purpose, as is all of this file: it names threads and holds no measurement.
static IDS_IN_USE: AtomicU64 = AtomicU64::new(0);

/// The thread has not asked for an id yet.
const NONE: usize = usize::MAX;

thread_local! {
    static ID: Cell<usize> = const { Cell::new(NONE) };
    static GUARD: ThreadIdGuard = const { ThreadIdGuard(Cell::new(None)) };
}

/// Returns the id of the calling thread. No other living thread has it if it is below
/// [`EXCLUSIVE`]; several threads may share one above.
#[inline]
pub(super) fn current_or_allocate_id() -> usize {
    let id = ID.get();
    if id == NONE { allocate_id() } else { id }
}

/// Returns the id of the calling thread, or [`NONE`] if it has not asked for one yet.
#[inline]
pub(super) fn current_id() -> usize {
    ID.get()
}

#[cold]
fn allocate_id() -> usize {
    // Without the guard, the end of the thread would not release the id.
    let exclusive = GUARD.try_with(ThreadIdGuard::allocate).ok().flatten();
    let id = exclusive.unwrap_or_else(shared_id);
    ID.set(id);
    id
}

/// Returns an id that other threads may have as well.
fn shared_id() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    EXCLUSIVE + NEXT.fetch_add(1, Ordering::Relaxed) % EXCLUSIVE
}

/// Releases the thread's exclusive id when the thread ends.
struct ThreadIdGuard(Cell<Option<u32>>);

impl ThreadIdGuard {
    /// Takes the lowest free id, so that few threads write in few shards.
    fn allocate(&self) -> Option<usize> {
        // Acquire pairs with the release in `drop`: what the previous holder of the id has
        // written is visible before this thread adds to it.
        let in_use = IDS_IN_USE.fetch_update(Ordering::Acquire, Ordering::Relaxed, |in_use| {
            (in_use != u64::MAX).then(|| in_use | (in_use + 1))
        });
        let bit = in_use.ok()?.trailing_ones();
        self.0.set(Some(bit));
        Some(bit as usize)
    }
}

impl Drop for ThreadIdGuard {
    fn drop(&mut self) {
        let Some(bit) = self.0.take() else { return };
        // Destructors that run later still count: this thread does so in a shared shard.
        ID.set(shared_id());
        IDS_IN_USE.fetch_and(!(1 << bit), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::{Arc, RwLock, mpsc};
    use std::time::{Duration, Instant};

    use super::{EXCLUSIVE, current_or_allocate_id};

    #[test]
    fn no_two_living_threads_have_the_same_exclusive_id() {
        // Not a barrier: at one, a thread that panics leaves all others waiting.
        let living = Arc::new(RwLock::new(()));
        let all_live = living.write().expect("no panic");
        let (send, ids) = mpsc::channel();
        let threads: Vec<_> = (0..2 * EXCLUSIVE)
            .map(|_| {
                let (living, send) = (Arc::clone(&living), send.clone());
                std::thread::spawn(move || {
                    let mine = current_or_allocate_id();
                    send.send(mine).expect("is waited for");
                    drop(living.read());
                    assert_eq!(current_or_allocate_id(), mine, "a thread keeps its id");
                })
            })
            .collect();
        let ids = (0..2 * EXCLUSIVE).map(|_| ids.recv_timeout(Duration::from_secs(60)));
        let ids: Vec<_> = ids.map(|id| id.expect("every thread has one")).collect();
        drop(all_live);
        for thread in threads {
            thread.join().expect("no panic");
        }
        let exclusive: Vec<_> = ids.into_iter().filter(|&id| id < EXCLUSIVE).collect();
        assert_eq!(exclusive.iter().collect::<HashSet<_>>().len(), exclusive.len());
        assert!(!exclusive.is_empty(), "or this shows nothing");
    }

    #[test]
    fn an_id_is_released_when_its_thread_ends() {
        // Other tests hold some for a while, and none of them all.
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut exclusive = 0;
        while exclusive <= 2 * EXCLUSIVE {
            exclusive += usize::from(
                std::thread::spawn(current_or_allocate_id).join().expect("no panic") < EXCLUSIVE,
            );
            assert!(Instant::now() < deadline, "the ids ran out after {exclusive} threads");
        }
    }
}
