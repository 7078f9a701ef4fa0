//! The counts of exported, failed and dropped items.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};

use super::export_errors::ExportErrors;
use sre_kit_core::ConfigError;
use sre_kit_metrics::{Registry, Samples};

/// The counts of one signal.
///
/// Every item is exported, failed, dropped, queued or in flight. All accesses are relaxed: each
/// number is a count of its own, and publishes no other memory.
#[derive(Debug)]
pub(crate) struct SignalCounts {
    signal: &'static str,
    max_queue: usize,
    queued: AtomicUsize,
    /// The items that were passed to the exporter and have no result yet.
    in_flight: AtomicUsize,
    closed: AtomicBool,
    exported: AtomicU64,
    failed: AtomicU64,
    dropped: AtomicU64,
    /// The items that the collector rejected from a batch that it received. They count as dropped.
    rejected: AtomicU64,
    errors: ExportErrors,
    #[cfg(feature = "otlp")]
    rejections: ExportErrors,
}

impl SignalCounts {
    pub(crate) fn new(signal: &'static str, max_queue: usize) -> Self {
        Self {
            signal,
            max_queue,
            queued: AtomicUsize::new(0),
            in_flight: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            exported: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            errors: ExportErrors::default(),
            #[cfg(feature = "otlp")]
            rejections: ExportErrors::default(),
        }
    }

    /// Reserves room for one item in the queue. Returns false and counts the item as dropped if
    /// the queue is full or closed.
    pub(crate) fn try_enqueue(&self) -> bool {
        let open = !self.closed.load(Ordering::Relaxed);
        let accepted = open
            && self
                .queued
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |queued| {
                    (queued < self.max_queue).then_some(queued + 1)
                })
                .is_ok();
        if !accepted {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        accepted
    }

    /// Records one item that is sent without having been queued.
    #[cfg(feature = "otlp")]
    pub(crate) fn start_unqueued(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    /// Records that a batch left the queue for the exporter.
    pub(crate) fn start(&self, items: usize) {
        take(&self.queued, items);
        self.in_flight.fetch_add(items, Ordering::Relaxed);
    }

    /// Records the result of a batch.
    pub(crate) fn finish(&self, items: usize, error: Option<&dyn std::fmt::Display>) {
        let items = take(&self.in_flight, items) as u64;
        let counter = if error.is_none() { &self.exported } else { &self.failed };
        counter.fetch_add(items, Ordering::Relaxed);
        match error {
            None => self.errors.record_success(self.signal),
            Some(error) => self.errors.record_failure(self.signal, items, error),
        }
    }

    /// Records that the collector rejected some items of a batch that it received, before the result
    /// of the batch.
    #[cfg(feature = "otlp")]
    pub(crate) fn reject(&self, items: usize, reason: &dyn std::fmt::Display) {
        let items = take(&self.in_flight, items) as u64;
        self.rejected.fetch_add(items, Ordering::Relaxed);
        self.rejections.record_failure(self.signal, items, reason);
    }

    /// Closes the queue and runs `shutdown`. Items that are still queued or in flight after that
    /// are counted as dropped.
    ///
    /// # Errors
    ///
    /// Returns an error if `shutdown` fails or an item was lost, which the SDK's processors do not
    /// report.
    pub(crate) fn close(&self, shutdown: impl FnOnce() -> OTelSdkResult) -> OTelSdkResult {
        let lost = || self.failed.load(Ordering::Relaxed) + self.rejected.load(Ordering::Relaxed);
        let lost_before = lost();
        self.closed.store(true, Ordering::Relaxed);
        let result = shutdown();
        // Swapped to zero, so that a late result counts nothing a second time.
        let unfinished =
            self.queued.swap(0, Ordering::Relaxed) + self.in_flight.swap(0, Ordering::Relaxed);
        self.dropped.fetch_add(unfinished as u64, Ordering::Relaxed);
        let lost = unfinished as u64 + lost() - lost_before;
        match lost {
            0 => result,
            _ => result.and(Err(OTelSdkError::InternalFailure(format!("{lost} did not arrive")))),
        }
    }

    fn results(&self) -> [(&'static str, u64); 3] {
        [
            ("exported", self.exported.load(Ordering::Relaxed)),
            ("failed", self.failed.load(Ordering::Relaxed)),
            (
                "dropped",
                self.dropped.load(Ordering::Relaxed) + self.rejected.load(Ordering::Relaxed),
            ),
        ]
    }
}

/// Subtracts up to `items`, and returns how many were subtracted.
fn take(from: &AtomicUsize, items: usize) -> usize {
    let before = from.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| {
        Some(count.saturating_sub(items))
    });
    before.unwrap_or(0).min(items)
}

/// Registers the metrics of all signals.
pub(crate) fn register(
    registry: &Registry,
    signals: Vec<Arc<SignalCounts>>,
) -> Result<(), ConfigError> {
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
                let queued = counts.queued.load(Ordering::Relaxed);
                samples.push(&[counts.signal], queued as f64 / counts.max_queue as f64);
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::SignalCounts;

    #[test]
    fn a_full_queue_drops_and_counts() {
        let counts = SignalCounts::new("traces", 2);
        assert!(counts.try_enqueue() && counts.try_enqueue());
        assert!(!counts.try_enqueue());
        counts.start(2);
        counts.finish(2, Some(&"refused"));
        assert!(counts.try_enqueue());
        assert_eq!(counts.results(), [("exported", 0), ("failed", 2), ("dropped", 1)]);
    }

    #[cfg(feature = "otlp")]
    #[test]
    fn an_item_that_the_collector_rejects_is_dropped_and_not_exported() {
        let counts = SignalCounts::new("traces", 8);
        assert!((0..5).all(|_| counts.try_enqueue()));
        counts.start(5);
        let closed = counts.close(|| {
            counts.reject(2, &"no");
            counts.finish(5, None);
            Ok(())
        });
        assert!(closed.is_err(), "two are lost");
        assert_eq!(counts.results(), [("exported", 3), ("failed", 0), ("dropped", 2)]);
    }

    #[test]
    fn an_item_that_is_unfinished_at_the_end_is_counted_once() {
        let counts = SignalCounts::new("traces", 8);
        assert!((0..5).all(|_| counts.try_enqueue()));
        counts.start(3);
        let closed = counts.close(|| Ok(()));
        assert!(closed.is_err(), "not everything arrived");
        // The result arrives too late.
        counts.finish(3, None);
        assert!(!counts.try_enqueue(), "the queue is closed");
        assert_eq!(counts.results(), [("exported", 0), ("failed", 0), ("dropped", 6)]);
    }
}
