//! One observation of each bucket that shows which trace it came from.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// A bucket takes no more than one exemplar in this time. A scraper sees one per
/// scrape; more would only make writers meet.
const PAUSE: Duration = Duration::from_secs(1);

/// The span that an observation was made in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    pub trace_id: u128,
    pub span_id: u64,
}

/// An observation and its span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exemplar {
    pub link: Link,
    /// In recorded units.
    pub value: u64,
    /// When it was observed, since the Unix epoch.
    pub at: Duration,
}

/// The latest exemplar of each bucket of one series.
#[derive(Debug)]
pub struct Exemplars {
    buckets: Box<[ShardId]>,
}

#[derive(Debug, Default)]
struct ShardId {
    /// When it was written last, in nanoseconds since the epoch; 0 for never.
    written: AtomicU64,
    exemplar: Mutex<Option<Exemplar>>,
}

impl Exemplars {
    /// Room for the exemplars of that many buckets, `+Inf` included.
    pub fn new(buckets: usize) -> Self {
        Self { buckets: (0..buckets).map(|_| ShardId::default()).collect() }
    }

    /// Keeps `value`, unless its bucket was given one within the last second.
    pub fn offer(&self, bucket: usize, value: u64, link: Link) {
        let at = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.offer_at(bucket, Exemplar { link, value, at });
    }

    fn offer_at(&self, bucket: usize, exemplar: Exemplar) {
        let Some(place) = self.buckets.get(bucket) else { return };
        let now = u64::try_from(exemplar.at.as_nanos()).unwrap_or(u64::MAX);
        let written = place.written.load(Ordering::Relaxed);
        // A clock that was put back makes the next one due.
        let fresh = now.checked_sub(written).is_some_and(|age| u128::from(age) < PAUSE.as_nanos());
        // Whoever loses the exchange has an exemplar that is as good as the winner's.
        let taken = !fresh
            && place
                .written
                .compare_exchange(written, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if taken {
            *place.exemplar.lock().unwrap_or_else(PoisonError::into_inner) = Some(exemplar);
        }
    }

    /// The exemplar of a bucket, if there is one.
    pub fn get(&self, bucket: usize) -> Option<Exemplar> {
        let place = self.buckets.get(bucket)?;
        if place.written.load(Ordering::Relaxed) == 0 {
            return None;
        }
        *place.exemplar.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Exemplar, Exemplars, Link};

    #[test]
    fn a_bucket_takes_one_a_second_and_the_others_are_left_alone() {
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
        assert_eq!(offer(0, 5, 5_000), Some(5), "the clock was put back");
        assert_eq!(exemplars.get(2), None);
        assert_eq!(offer(3, 6, 20_000), None, "there is no such bucket");
    }
}
