//! What became of the telemetry that was handed over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};

use super::trouble::Trouble;
use sre_kit_core::ConfigError;
use sre_kit_metrics::{Registry, Samples};

/// Counts of one signal. Everything that was handed over is exported, failed,
/// dropped or still on its way.
#[derive(Debug)]
pub(crate) struct Counts {
    signal: &'static str,
    bound: usize,
    waiting: AtomicUsize,
    /// Handed to the exporter, which has not answered yet.
    sending: AtomicUsize,
    closed: AtomicBool,
    exported: AtomicU64,
    failed: AtomicU64,
    dropped: AtomicU64,
    trouble: Trouble,
}

impl Counts {
    pub(crate) fn new(signal: &'static str, bound: usize) -> Self {
        Self {
            signal,
            bound,
            waiting: AtomicUsize::new(0),
            sending: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            exported: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            trouble: Trouble::default(),
        }
    }

    /// Takes a place in the queue. Where there is none the item is lost, and counted.
    pub(crate) fn accept(&self) -> bool {
        let open = !self.closed.load(Ordering::Relaxed);
        let taken = open
            && self
                .waiting
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |waiting| {
                    (waiting < self.bound).then_some(waiting + 1)
                })
                .is_ok();
        if !taken {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        taken
    }

    /// Something is sent that waited in no queue.
    pub(crate) fn begin(&self) {
        self.sending.fetch_add(1, Ordering::Relaxed);
    }

    /// A batch left the queue for the exporter.
    pub(crate) fn taken(&self, items: usize) {
        take(&self.waiting, items);
        self.sending.fetch_add(items, Ordering::Relaxed);
    }

    /// A batch arrived, or did not: `error` says why.
    pub(crate) fn settled(&self, items: usize, error: Option<&dyn std::fmt::Display>) {
        let items = take(&self.sending, items) as u64;
        let counter = if error.is_none() { &self.exported } else { &self.failed };
        counter.fetch_add(items, Ordering::Relaxed);
        match error {
            None => self.trouble.over(self.signal),
            Some(error) => self.trouble.more(self.signal, items, error),
        }
    }

    /// Stops accepting, and shuts down what exports. What is on its way after that
    /// is lost, and counted. An error unless everything arrived, which the SDK's
    /// processors do not tell.
    pub(crate) fn close(&self, shutdown: impl FnOnce() -> OTelSdkResult) -> OTelSdkResult {
        let failed = self.failed.load(Ordering::Relaxed);
        self.closed.store(true, Ordering::Relaxed);
        let result = shutdown();
        let on_its_way =
            self.waiting.swap(0, Ordering::Relaxed) + self.sending.swap(0, Ordering::Relaxed);
        self.dropped.fetch_add(on_its_way as u64, Ordering::Relaxed);
        let lost = on_its_way as u64 + self.failed.load(Ordering::Relaxed) - failed;
        match lost {
            0 => result,
            _ => result.and(Err(OTelSdkError::InternalFailure(format!("{lost} did not arrive")))),
        }
    }

    fn results(&self) -> [(&'static str, u64); 3] {
        [
            ("exported", self.exported.load(Ordering::Relaxed)),
            ("failed", self.failed.load(Ordering::Relaxed)),
            ("dropped", self.dropped.load(Ordering::Relaxed)),
        ]
    }
}

/// Takes up to `items` away, and tells how many there were to take.
fn take(from: &AtomicUsize, items: usize) -> usize {
    let before = from.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |there| {
        Some(there.saturating_sub(items))
    });
    before.unwrap_or(0).min(items)
}

/// Puts the counts of all signals on `/metrics`.
pub(crate) fn register(registry: &Registry, signals: Vec<Arc<Counts>>) -> Result<(), ConfigError> {
    let items = signals.clone();
    registry.counter_fn(
        "sre_kit_telemetry_items_total",
        "Spans, log records and metric exports by what became of them.",
        &["signal", "result"],
        move |samples: &mut Samples<'_>| {
            for counts in &items {
                for (result, count) in counts.results() {
                    samples.push(&[counts.signal, result], count as f64);
                }
            }
        },
    )?;
    registry.gauge_fn(
        "sre_kit_telemetry_queue_ratio",
        "How full the queue of a signal is; at 1 items are dropped.",
        &["signal"],
        move |samples: &mut Samples<'_>| {
            for counts in &signals {
                let waiting = counts.waiting.load(Ordering::Relaxed);
                samples.push(&[counts.signal], waiting as f64 / counts.bound as f64);
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::Counts;

    #[test]
    fn a_full_queue_drops_and_says_so() {
        let counts = Counts::new("traces", 2);
        assert!(counts.accept() && counts.accept());
        assert!(!counts.accept());
        counts.taken(2);
        counts.settled(2, Some(&"refused"));
        assert!(counts.accept());
        assert_eq!(counts.results(), [("exported", 0), ("failed", 2), ("dropped", 1)]);
    }

    #[test]
    fn what_is_on_its_way_at_the_end_is_counted_once() {
        let counts = Counts::new("traces", 8);
        assert!((0..5).all(|_| counts.accept()));
        counts.taken(3);
        let closed = counts.close(|| Ok(()));
        assert!(closed.is_err(), "not everything arrived");
        // The exporter answers after all, too late.
        counts.settled(3, None);
        assert!(!counts.accept(), "nobody would export it");
        assert_eq!(counts.results(), [("exported", 0), ("failed", 0), ("dropped", 6)]);
    }
}
