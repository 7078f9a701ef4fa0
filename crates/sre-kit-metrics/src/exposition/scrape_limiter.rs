//! The limit of concurrent scrapes, and their buffers.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Buffers of at most this capacity are always kept.
const SMALL: usize = 64 * 1024;

/// After this time a scrape that is still being sent no longer counts: its scraper has timed out
/// long before. Its memory is bounded by its connection.
const STUCK: Duration = Duration::from_secs(60);

/// Admits a bounded number of scrapes and keeps their buffers for the next ones.
#[derive(Debug)]
pub(super) struct ScrapeLimiter {
    limit: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The start of each scrape under way.
    started: Vec<Instant>,
    spare: Vec<Buffers>,
}

#[derive(Default)]
struct Buffers {
    plain: Vec<u8>,
    compressed: Vec<u8>,
}

impl ScrapeLimiter {
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, state: Mutex::default() })
    }

    /// Returns a permit for one scrape, or `None` if the limit is reached.
    pub(super) fn acquire(self: &Arc<Self>) -> Option<ScrapePermit> {
        self.acquire_at(Instant::now())
    }

    fn acquire_at(self: &Arc<Self>, started: Instant) -> Option<ScrapePermit> {
        let mut state = self.lock();
        let is_stuck = |then: &Instant| started.saturating_duration_since(*then) > STUCK;
        if state.started.iter().filter(|then| !is_stuck(then)).count() >= self.limit {
            return None;
        }
        state.started.push(started);
        let buffers = state.spare.pop().unwrap_or_default();
        Some(ScrapePermit { limiter: Arc::clone(self), buffers, is_compressed: false, started })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("started", &self.started.len()).finish_non_exhaustive()
    }
}

/// The permit of one scrape, and its response. It is held until the last byte is sent or dropped,
/// so that the limit bounds the memory of responses and the work of writing them.
#[must_use = "dropping the permit ends the scrape"]
pub(super) struct ScrapePermit {
    limiter: Arc<ScrapeLimiter>,
    buffers: Buffers,
    is_compressed: bool,
    started: Instant,
}

impl ScrapePermit {
    /// Returns the buffer for the uncompressed response, empty at first.
    pub(super) fn plain(&mut self) -> &mut Vec<u8> {
        &mut self.buffers.plain
    }

    /// Replaces the response with its compressed form. Returns whether that succeeded.
    pub(super) fn compress(
        &mut self,
        compress: impl FnOnce(&[u8], Vec<u8>) -> Option<Vec<u8>>,
    ) -> bool {
        let Buffers { plain, compressed } = &mut self.buffers;
        if let Some(done) = compress(plain, std::mem::take(compressed)) {
            *compressed = done;
            self.is_compressed = true;
        }
        self.is_compressed
    }
}

impl AsRef<[u8]> for ScrapePermit {
    fn as_ref(&self) -> &[u8] {
        if self.is_compressed { &self.buffers.compressed } else { &self.buffers.plain }
    }
}

impl Drop for ScrapePermit {
    fn drop(&mut self) {
        let mut buffers = std::mem::take(&mut self.buffers);
        for buffer in [&mut buffers.plain, &mut buffers.compressed] {
            // One huge scrape must not hold its memory forever.
            if buffer.capacity() > SMALL.max(4 * buffer.len()) {
                *buffer = Vec::new();
            }
            buffer.clear();
        }
        let mut state = self.limiter.lock();
        if let Some(mine) = state.started.iter().position(|then| *then == self.started) {
            state.started.swap_remove(mine);
        }
        if state.spare.len() < self.limiter.limit {
            state.spare.push(buffers);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Instant, SMALL, STUCK, ScrapeLimiter};

    #[test]
    fn a_permit_is_released_when_its_bytes_are_dropped() {
        let limiter = ScrapeLimiter::new(1);
        let first = bytes::Bytes::from_owner(limiter.acquire().expect("free"));
        let clone = first.clone();
        drop(first);
        assert!(limiter.acquire().is_none(), "a clone is still being sent");
        drop(clone);
        assert!(limiter.acquire().is_some());
    }

    #[test]
    fn a_scraper_that_never_reads_does_not_keep_the_others_out() {
        let limiter = ScrapeLimiter::new(1);
        let started = Instant::now();
        let stuck = limiter.acquire_at(started).expect("free");
        assert!(limiter.acquire_at(started + STUCK).is_none(), "it may still be slow");
        let later = started + STUCK + Duration::from_millis(1);
        let next = limiter.acquire_at(later).expect("the first no longer counts");
        drop(stuck);
        assert!(limiter.acquire_at(later).is_none(), "the second does");
        drop(next);
        assert!(limiter.acquire_at(later).is_some());
    }

    #[test]
    fn a_buffer_is_reused_and_a_far_too_large_one_is_not() {
        let limiter = ScrapeLimiter::new(1);
        let mut permit = limiter.acquire().expect("free");
        permit.plain().resize(SMALL * 8, b'x');
        drop(permit);
        let mut permit = limiter.acquire().expect("free");
        assert!(permit.plain().is_empty() && permit.plain().capacity() >= SMALL * 8);
        permit.plain().push(b'x');
        drop(permit);
        assert!(limiter.acquire().expect("free").plain().capacity() <= SMALL);
    }
}
