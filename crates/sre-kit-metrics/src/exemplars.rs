//! Exemplars: per bucket, one observation with the span that it was made in.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// The time in which a bucket stores at most one exemplar. A scraper sees one per scrape, so
/// storing more would only add contention.
const MIN_INTERVAL: Duration = Duration::from_secs(1);

/// The span that an observation was made in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Link {
    /// The id of the trace.
    pub trace_id: u128,
    /// The id of the span.
    pub span_id: u64,
}

/// An observation and its span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exemplar {
    /// The span.
    pub link: Link,
    /// The value, in recorded units.
    pub value: u64,
    /// The time of the observation, since the Unix epoch.
    pub at: Duration,
}

/// The latest exemplar of each bucket of one series.
#[derive(Debug)]
pub struct Exemplars {
    buckets: Box<[BucketExemplar]>,
}

#[derive(Debug, Default)]
struct BucketExemplar {
    /// The time of the last write, in nanoseconds since the epoch; 0 if there was none.
    written: AtomicU64,
    exemplar: Mutex<Option<Exemplar>>,
}

impl Exemplars {
    /// Creates space for the exemplars of `buckets` buckets, `+Inf` included.
    pub fn new(buckets: usize) -> Self {
        Self { buckets: (0..buckets).map(|_| BucketExemplar::default()).collect() }
    }

    /// Stores `value`, unless its bucket has stored one within the last second.
    pub fn offer(&self, bucket: usize, value: u64, link: Link) {
        let at = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.offer_at(bucket, Exemplar { link, value, at });
    }

    fn offer_at(&self, bucket: usize, exemplar: Exemplar) {
        let Some(stored) = self.buckets.get(bucket) else { return };
        let now = u64::try_from(exemplar.at.as_nanos()).unwrap_or(u64::MAX);
        let written = stored.written.load(Ordering::Relaxed);
        // A clock that was set back makes the next one due.
        let recent =
            now.checked_sub(written).is_some_and(|age| u128::from(age) < MIN_INTERVAL.as_nanos());
        // Relaxed suffices: the exchange only elects one writer, and the mutex orders the exemplar.
        // A thread that loses it drops its exemplar, which is as good as the winner's.
        let taken = !recent
            && stored
                .written
                .compare_exchange(written, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if taken {
            *stored.exemplar.lock().unwrap_or_else(PoisonError::into_inner) = Some(exemplar);
        }
    }

    /// Returns the exemplar of a bucket, if there is one.
    pub fn get(&self, bucket: usize) -> Option<Exemplar> {
        let stored = self.buckets.get(bucket)?;
        if stored.written.load(Ordering::Relaxed) == 0 {
            return None;
        }
        *stored.exemplar.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Exemplar, Exemplars, Link};

    #[test]
    fn a_bucket_stores_one_per_second_and_leaves_the_others_alone() {
        let exemplars = Exemplars::new(3);
        let offer = |bucket, value, millis| {
            let (link, at) = (Link { trace_id: 1, span_id: 2 }, Duration::from_millis(millis));
            exemplars.offer_at(bucket, Exemplar { link, value, at });
            exemplars.get(bucket).map(|exemplar| exemplar.value)
        };
        assert_eq!(offer(0, 1, 10_000), Some(1));
        assert_eq!(offer(0, 2, 10_999), Some(1));
        assert_eq!(offer(1, 3, 10_999), Some(3));
        assert_eq!(offer(0, 4, 11_000), Some(4));
        assert_eq!(offer(0, 5, 5_000), Some(5), "the clock was set back");
        assert_eq!(exemplars.get(2), None);
        assert_eq!(offer(3, 6, 20_000), None, "there is no such bucket");
    }
}
