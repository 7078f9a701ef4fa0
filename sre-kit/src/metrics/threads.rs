//! Which thread is writing.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Numbers that one thread has to itself for as long as it lives: the bits of a word.
pub(super) const OWN: usize = 64;

/// Which of them are held.
///
/// Process-wide on purpose, as is all of this: it names threads, it holds no measurement.
static HELD: AtomicU64 = AtomicU64::new(0);

/// No number has been asked for yet.
const UNKNOWN: usize = usize::MAX;

thread_local! {
    static NUMBER: Cell<usize> = const { Cell::new(UNKNOWN) };
    static HOLD: Hold = const { Hold(Cell::new(None)) };
}

/// The number of the calling thread. Below [`OWN`] no other living thread has it;
/// from there on several may.
#[inline]
pub(super) fn number() -> usize {
    let number = NUMBER.get();
    if number == UNKNOWN { draw() } else { number }
}

/// The same if it was asked for before, and [`UNKNOWN`] otherwise.
#[inline]
pub(super) fn known() -> usize {
    NUMBER.get()
}

#[cold]
fn draw() -> usize {
    // There is no hold on a number that the end of the thread would not let go of.
    let own = HOLD.try_with(Hold::take).ok().flatten();
    let number = own.unwrap_or_else(shared);
    NUMBER.set(number);
    number
}

/// A number that others may have as well.
fn shared() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    OWN + NEXT.fetch_add(1, Ordering::Relaxed) % OWN
}

/// Lets the thread's own number go when the thread ends.
struct Hold(Cell<Option<u32>>);

impl Hold {
    /// Takes the lowest free number: few threads write in few columns.
    fn take(&self) -> Option<usize> {
        // Acquire: what the thread before has written is there to be added to.
        let held = HELD.fetch_update(Ordering::Acquire, Ordering::Relaxed, |held| {
            (held != u64::MAX).then(|| held | (held + 1))
        });
        let bit = held.ok()?.trailing_ones();
        self.0.set(Some(bit));
        Some(bit as usize)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let Some(bit) = self.0.take() else { return };
        // What this thread still counts, in destructors that come later, it counts
        // as one of many.
        NUMBER.set(shared());
        HELD.fetch_and(!(1 << bit), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::{Arc, RwLock, mpsc};
    use std::time::{Duration, Instant};

    use super::{OWN, number};

    #[test]
    fn no_two_living_threads_have_one_number_of_their_own() {
        // Not a barrier: at one, a thread that panics leaves all others waiting.
        let living = Arc::new(RwLock::new(()));
        let all_live = living.write().expect("no panic");
        let (has, drawn) = mpsc::channel();
        let threads: Vec<_> = (0..2 * OWN)
            .map(|_| {
                let (living, has) = (Arc::clone(&living), has.clone());
                std::thread::spawn(move || {
                    let mine = number();
                    has.send(mine).expect("is waited for");
                    drop(living.read());
                    assert_eq!(number(), mine, "a thread keeps its number");
                })
            })
            .collect();
        let numbers = (0..2 * OWN).map(|_| drawn.recv_timeout(Duration::from_mins(1)));
        let numbers: Vec<_> = numbers.map(|number| number.expect("every thread has one")).collect();
        drop(all_live);
        for thread in threads {
            thread.join().expect("no panic");
        }
        let own: Vec<_> = numbers.into_iter().filter(|&number| number < OWN).collect();
        assert_eq!(own.iter().collect::<HashSet<_>>().len(), own.len());
        assert!(!own.is_empty(), "or this shows nothing");
    }

    #[test]
    fn a_number_is_let_go_when_its_thread_ends() {
        // Other tests hold some for a while, and none of them all.
        let deadline = Instant::now() + Duration::from_mins(1);
        let mut own = 0;
        while own <= 2 * OWN {
            own += usize::from(std::thread::spawn(number).join().expect("no panic") < OWN);
            assert!(Instant::now() < deadline, "the numbers ran out after {own} threads");
        }
    }
}
