//! Rate-limited log messages about failed exports.

use std::fmt::Display;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The time between two messages. A collector that is down fails hundreds of batches per hour and
/// signal.
const LOG_INTERVAL: Duration = Duration::from_mins(1);

/// The export errors of one signal: `Some` while the last export failed.
#[derive(Debug, Default)]
pub(super) struct ExportErrors(Mutex<Option<Failing>>);

#[derive(Debug)]
struct Failing {
    logged: Instant,
    /// The number of items that were lost since exports started to fail.
    lost: u64,
}

impl ExportErrors {
    /// Records a failed batch. Logs the first one, and then one message per minute.
    pub(super) fn record_failure(&self, signal: &'static str, items: u64, error: &dyn Display) {
        if let Some(lost) = self.due(items, Instant::now()) {
            tracing::warn!(signal, lost, %error, "the collector does not take what it is sent");
        }
    }

    /// Records an exported batch. Logs the recovery if the one before failed.
    pub(super) fn record_success(&self, signal: &'static str) {
        if let Some(Failing { lost, .. }) = self.lock().take() {
            tracing::info!(signal, lost, "the collector takes what it is sent again");
        }
    }

    /// Adds `items`, and returns the number of lost items if a message is due.
    fn due(&self, items: u64, now: Instant) -> Option<u64> {
        let mut failing = self.lock();
        let Some(errors) = &mut *failing else {
            *failing = Some(Failing { logged: now, lost: items });
            return Some(items);
        };
        errors.lost += items;
        let due = now.duration_since(errors.logged) >= LOG_INTERVAL;
        if due {
            errors.logged = now;
        }
        due.then_some(errors.lost)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Failing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{ExportErrors, LOG_INTERVAL};

    #[test]
    fn a_failure_is_logged_at_once_then_every_minute_and_again_after_a_recovery() {
        let (errors, start) = (ExportErrors::default(), Instant::now());
        let at = |seconds| errors.due(10, start + Duration::from_secs(seconds));
        assert_eq!(at(0), Some(10));
        assert_eq!((at(1), at(59)), (None, None));
        assert_eq!(at(LOG_INTERVAL.as_secs()), Some(40), "with all that was lost meanwhile");
        assert_eq!(at(61), None);
        errors.record_success("traces");
        assert_eq!(at(62), Some(10));
    }
}
