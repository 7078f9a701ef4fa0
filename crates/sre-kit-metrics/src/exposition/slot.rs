//! Which scrapes run, and the buffers that they write into.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Buffers below this are always worth keeping.
const SMALL: usize = 64 * 1024;

/// A scrape that is still being sent after this time is to a scraper that gave up
/// long ago, and counts no more. What it holds is bounded by its connection.
const STUCK: Duration = Duration::from_mins(1);

/// Admits a bounded number of scrapes and keeps their buffers for the next ones.
#[derive(Debug)]
pub(crate) struct Slots {
    limit: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// When each scrape under way began.
    taken: Vec<Instant>,
    spare: Vec<Buffers>,
}

#[derive(Default)]
struct Buffers {
    plain: Vec<u8>,
    packed: Vec<u8>,
}

impl Slots {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, state: Mutex::default() })
    }

    /// A place for one scrape. `None` when all are taken.
    pub(crate) fn take(self: &Arc<Self>) -> Option<Slot> {
        self.take_at(Instant::now())
    }

    fn take_at(self: &Arc<Self>, began: Instant) -> Option<Slot> {
        let mut state = self.lock();
        let is_stuck = |then: &Instant| began.saturating_duration_since(*then) > STUCK;
        if state.taken.iter().filter(|then| !is_stuck(then)).count() >= self.limit {
            return None;
        }
        state.taken.push(began);
        let buffers = state.spare.pop().unwrap_or_default();
        Some(Slot { slots: Arc::clone(self), buffers, is_packed: false, began })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("taken", &self.taken.len()).finish_non_exhaustive()
    }
}

/// The place of one scrape, held until its last byte is sent or dropped, so that
/// the limit bounds the memory of responses as well as the work of writing them.
pub(crate) struct Slot {
    slots: Arc<Slots>,
    buffers: Buffers,
    is_packed: bool,
    began: Instant,
}

impl Slot {
    /// The buffer for the plain response, empty at first.
    pub(crate) fn plain(&mut self) -> &mut Vec<u8> {
        &mut self.buffers.plain
    }

    /// Replaces the response with its compressed form.
    pub(crate) fn pack(&mut self, pack: impl FnOnce(&[u8], Vec<u8>) -> Option<Vec<u8>>) -> bool {
        let Buffers { plain, packed } = &mut self.buffers;
        if let Some(done) = pack(plain, std::mem::take(packed)) {
            *packed = done;
            self.is_packed = true;
        }
        self.is_packed
    }
}

impl AsRef<[u8]> for Slot {
    fn as_ref(&self) -> &[u8] {
        if self.is_packed { &self.buffers.packed } else { &self.buffers.plain }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut buffers = std::mem::take(&mut self.buffers);
        for buffer in [&mut buffers.plain, &mut buffers.packed] {
            // One huge scrape must not hold its memory for good.
            if buffer.capacity() > SMALL.max(4 * buffer.len()) {
                *buffer = Vec::new();
            }
            buffer.clear();
        }
        let mut state = self.slots.lock();
        if let Some(mine) = state.taken.iter().position(|then| *then == self.began) {
            state.taken.swap_remove(mine);
        }
        if state.spare.len() < self.slots.limit {
            state.spare.push(buffers);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Instant, SMALL, STUCK, Slots};

    #[test]
    fn a_slot_is_free_again_when_its_bytes_are_dropped() {
        let slots = Slots::new(1);
        let first = bytes::Bytes::from_owner(slots.take().expect("free"));
        let clone = first.clone();
        drop(first);
        assert!(slots.take().is_none(), "a clone is still being sent");
        drop(clone);
        assert!(slots.take().is_some());
    }

    #[test]
    fn a_scraper_that_never_reads_does_not_keep_the_others_out() {
        let slots = Slots::new(1);
        let began = Instant::now();
        let stuck = slots.take_at(began).expect("free");
        assert!(slots.take_at(began + STUCK).is_none(), "it may still be slow");
        let later = began + STUCK + Duration::from_millis(1);
        let next = slots.take_at(later).expect("the first counts no more");
        drop(stuck);
        assert!(slots.take_at(later).is_none(), "the second does");
        drop(next);
        assert!(slots.take_at(later).is_some());
    }

    #[test]
    fn a_buffer_is_used_again_and_a_far_too_large_one_is_not() {
        let slots = Slots::new(1);
        let mut slot = slots.take().expect("free");
        slot.plain().resize(SMALL * 8, b'x');
        drop(slot);
        let mut slot = slots.take().expect("free");
        assert!(slot.plain().is_empty() && slot.plain().capacity() >= SMALL * 8);
        slot.plain().push(b'x');
        drop(slot);
        assert!(slots.take().expect("free").plain().capacity() <= SMALL);
    }
}
