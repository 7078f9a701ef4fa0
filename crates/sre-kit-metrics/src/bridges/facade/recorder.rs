//! The recorder.

use std::fmt;
use std::sync::Arc;

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

use super::builder::{BucketsByName, MetricsRecorderBuilder};
use super::state::State;
use crate::registry::Registry;
use crate::visit::Kind;

/// A recorder of the `metrics` facade: `counter!`, `gauge!` and `histogram!` of every crate in the
/// program count in a [`Registry`].
///
/// The program installs it with `metrics::set_global_recorder`. Counting with a handle that is kept
/// takes no lock and allocates nothing; `counter!("name")` each time finds the handle in a table
/// that is read without a lock.
///
/// A counter's family ends in `_total`, and `.` and `-` become `_`. A metric whose name is taken,
/// by another API or as another kind, counts into nothing: one log line says why, and
/// `sre_kit_metrics_refused_total{metric,api="metrics"}` counts it. Units are not appended to
/// names.
///
/// ```
/// use sre_kit_metrics::{Registry, TextFormat};
///
/// let registry = Registry::new();
/// metrics::with_local_recorder(&registry.metrics_recorder(), || {
///     metrics::counter!("jobs", "kind" => "import").increment(1);
/// });
///
/// let mut text = String::new();
/// registry.encode_text(&mut text, TextFormat::Prometheus);
/// assert!(text.contains("jobs_total{kind=\"import\"} 1\n"));
/// ```
#[derive(Clone)]
pub struct MetricsRecorder {
    registry: Registry,
    buckets: Arc<BucketsByName>,
    state: Arc<State>,
}

impl MetricsRecorder {
    /// Returns a builder, which sets the buckets of histograms.
    pub fn builder() -> MetricsRecorderBuilder {
        MetricsRecorderBuilder::new()
    }

    /// Creates a recorder with default buckets.
    pub fn new(registry: &Registry) -> Self {
        Self::builder().build(registry)
    }

    pub(super) fn with_buckets(registry: &Registry, buckets: Arc<BucketsByName>) -> Self {
        let created = registry.extensions().get_or_try_init(|| Ok(Arc::new(State::new(registry))));
        let state = created.unwrap_or_else(|error: std::convert::Infallible| match error {});
        Self { registry: registry.clone(), buckets, state }
    }
}

impl Registry {
    /// Returns a recorder of the `metrics` facade with default buckets.
    /// [`MetricsRecorder::builder`] sets others.
    pub fn metrics_recorder(&self) -> MetricsRecorder {
        MetricsRecorder::new(self)
    }
}

impl Recorder for MetricsRecorder {
    fn describe_counter(&self, key: KeyName, _unit: Option<Unit>, help: SharedString) {
        self.state.describe(key.as_str(), Kind::Counter, &help);
    }

    fn describe_gauge(&self, key: KeyName, _unit: Option<Unit>, help: SharedString) {
        self.state.describe(key.as_str(), Kind::Gauge, &help);
    }

    fn describe_histogram(&self, key: KeyName, _unit: Option<Unit>, help: SharedString) {
        self.state.describe(key.as_str(), Kind::Histogram, &help);
    }

    #[inline]
    fn register_counter(&self, key: &Key, _metadata: &Metadata<'_>) -> Counter {
        self.state.counter(&self.registry, key)
    }

    #[inline]
    fn register_gauge(&self, key: &Key, _metadata: &Metadata<'_>) -> Gauge {
        self.state.gauge(&self.registry, key)
    }

    #[inline]
    fn register_histogram(&self, key: &Key, _metadata: &Metadata<'_>) -> Histogram {
        self.state.histogram(&self.registry, key, &self.buckets)
    }
}

impl fmt::Debug for MetricsRecorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricsRecorder")
            .field("registry", &self.registry)
            .field("buckets", &self.buckets)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use metrics::{counter, describe_counter, gauge, histogram, with_local_recorder};

    use crate::{Buckets, MetricsRecorder, Registry, TextFormat};

    fn text(registry: &Registry) -> String {
        let mut text = String::new();
        registry.encode_text(&mut text, TextFormat::Prometheus);
        text
    }

    #[test]
    fn counters_gauges_and_histograms_have_the_values_of_the_facade() {
        let registry = Registry::new();
        let bounds = Buckets::floats([0.5, 10.0]).expect("valid");
        let recorder = MetricsRecorder::builder().buckets("wait.ms", bounds).build(&registry);
        with_local_recorder(&recorder, || {
            describe_counter!("jobs", "Jobs done.");
            counter!("jobs", "b" => "2", "a" => "1").increment(2);
            counter!("jobs", "a" => "1", "b" => "2").increment(3);
            counter!("seen").absolute(7);
            counter!("seen").absolute(4);
            gauge!("rooms").set(4.0);
            gauge!("rooms").increment(0.5);
            gauge!("rooms").decrement(6.0);
            for value in [0.25, 7.5, 11.0, f64::NAN, f64::INFINITY] {
                histogram!("wait.ms").record(value);
            }
        });
        let text = text(&registry);
        assert!(
            text.contains(
                "# HELP jobs_total Jobs done.\n# TYPE jobs_total counter\n\
                 jobs_total{a=\"1\",b=\"2\"} 5\n"
            ),
            "{text}"
        );
        assert!(text.contains("\nseen_total 7\n"), "{text}");
        assert!(text.contains("\nrooms -1.5\n"), "{text}");
        assert!(text.contains("wait_ms_bucket{le=\"10.0\"} 2\n"), "{text}");
        assert!(text.contains("wait_ms_sum 18.75\nwait_ms_count 3\n"), "{text}");
    }

    #[test]
    fn a_metric_is_described_later_too() {
        let registry = Registry::new();
        with_local_recorder(&registry.metrics_recorder(), || {
            counter!("jobs").increment(1);
            describe_counter!("jobs", "Jobs done.");
        });
        assert!(text(&registry).contains("# HELP jobs_total Jobs done.\n"));
    }

    #[test]
    fn a_name_of_another_api_or_kind_counts_into_nothing_and_is_counted_once() {
        let registry = Registry::new();
        let kept = registry.counter("jobs_total", "Jobs.").expect("free");
        with_local_recorder(&registry.metrics_recorder(), || {
            for _ in 0..3 {
                counter!("jobs").increment(1);
                gauge!("rooms").set(1.0);
                histogram!("rooms").record(1.0);
            }
        });
        assert_eq!(kept.get(), 0);
        let text = text(&registry);
        for metric in ["jobs", "rooms"] {
            let line =
                format!("sre_kit_metrics_refused_total{{metric=\"{metric}\",api=\"metrics\"}} 1\n");
            assert!(text.contains(&line), "{text}");
        }
        assert!(text.contains("\nrooms 1.0\n"), "{text}");
    }

    #[test]
    fn label_sets_above_the_limit_share_the_overflow_series() {
        let registry = Registry::builder().max_series_per_family(2).build().expect("valid");
        with_local_recorder(&registry.metrics_recorder(), || {
            for i in 0..5 {
                counter!("jobs", "id" => i.to_string()).increment(1);
                gauge!("rooms", "id" => i.to_string()).set(1.0);
            }
        });
        let text = text(&registry);
        assert!(text.contains("jobs_total{otel_metric_overflow=\"true\"} 3\n"), "{text}");
        for family in ["jobs_total", "rooms"] {
            let line = format!("sre_kit_metrics_overflow_total{{metric=\"{family}\"}} 3\n");
            assert!(text.contains(&line), "{text}");
        }
    }
}
