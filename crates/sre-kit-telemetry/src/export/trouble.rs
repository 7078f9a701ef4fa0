//! Says that a collector takes nothing, and that it does again, without repeating it.

use std::fmt::Display;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A collector that is down fails every batch: some hundred an hour and signal.
const PAUSE: Duration = Duration::from_mins(1);

/// The trouble that a signal is in, if it is.
#[derive(Debug, Default)]
pub(super) struct Trouble(Mutex<Option<Failing>>);

#[derive(Debug)]
struct Failing {
    told: Instant,
    /// Items lost since it began.
    lost: u64,
}

impl Trouble {
    /// A batch of `items` failed. Tells it the first time, and then once a minute.
    pub(super) fn more(&self, signal: &'static str, items: u64, error: &dyn Display) {
        if let Some(lost) = self.is_due(items, Instant::now()) {
            tracing::warn!(signal, lost, %error, "the collector does not take what it is sent");
        }
    }

    /// A batch arrived.
    pub(super) fn over(&self, signal: &'static str) {
        if let Some(Failing { lost, .. }) = self.lock().take() {
            tracing::info!(signal, lost, "the collector takes what it is sent again");
        }
    }

    /// How much has been lost, when that is to be told now.
    fn is_due(&self, items: u64, now: Instant) -> Option<u64> {
        let mut failing = self.lock();
        let Some(known) = &mut *failing else {
            *failing = Some(Failing { told: now, lost: items });
            return Some(items);
        };
        known.lost += items;
        let due = now.duration_since(known.told) >= PAUSE;
        if due {
            known.told = now;
        }
        due.then_some(known.lost)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Failing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{PAUSE, Trouble};

    #[test]
    fn it_is_told_at_once_then_once_a_minute_and_anew_after_a_recovery() {
        let (trouble, start) = (Trouble::default(), Instant::now());
        let at = |seconds| trouble.is_due(10, start + Duration::from_secs(seconds));
        assert_eq!(at(0), Some(10));
        assert_eq!((at(1), at(59)), (None, None));
        assert_eq!(at(PAUSE.as_secs()), Some(40), "with all that was lost meanwhile");
        assert_eq!(at(61), None);
        trouble.over("traces");
        assert_eq!(at(62), Some(10));
    }
}
