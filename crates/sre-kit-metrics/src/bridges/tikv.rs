//! Registries of the `prometheus` crate.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use prometheus::proto::{Bucket, Metric, MetricFamily, MetricType};
use sre_kit_core::ConfigError;

use crate::buckets::Buckets;
use crate::entry::CollectNamed;
use crate::floats;
use crate::labels::push_pair;
use crate::registry::Registry;
use crate::visit::{Desc, Kind, Visitor};

/// The value of the label `api` of what is refused.
const API: &str = "prometheus";

impl Registry {
    /// Adds every metric of a registry of the `prometheus` crate, also those that are registered
    /// in it later. It is gathered at each scrape.
    ///
    /// A counter gets `_total` at the end of its name unless it is there, because OpenMetrics
    /// requires it. Summaries are left out. A family that is registered later under a name that is
    /// taken is left out, and `sre_kit_metrics_refused_total{metric,api="prometheus"}` counts it.
    ///
    /// ```
    /// use sre_kit_metrics::{Registry, TextFormat};
    ///
    /// let theirs = prometheus::Registry::new();
    /// let jobs = prometheus::IntCounter::new("jobs_total", "Jobs done.").unwrap();
    /// theirs.register(Box::new(jobs.clone())).unwrap();
    ///
    /// let registry = Registry::new();
    /// registry.gather_from(theirs)?;
    /// jobs.inc();
    ///
    /// let mut text = String::new();
    /// registry.encode_text(&mut text, TextFormat::Prometheus);
    /// assert!(text.contains("jobs_total 1\n"));
    /// # Ok::<(), sre_kit_metrics::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error that names every family whose name is malformed or taken, and those that
    /// begin with `process_`: `ProcessMetrics` has them. Nothing is added then.
    pub fn gather_from(&self, registry: prometheus::Registry) -> Result<(), ConfigError> {
        let found: Vec<_> = registry.gather().iter().map(heading).collect();
        let process: Vec<_> = found
            .iter()
            .map(|(name, _)| name)
            .filter(|name| name.starts_with("process_"))
            .collect();
        if !process.is_empty() {
            return Err(ConfigError::new(
                "prometheus::Registry",
                process,
                "`ProcessMetrics` exports these families",
                "leave the feature `process` of prometheus out, or register your metrics in a \
                 registry of your own instead of the default one",
            ));
        }
        self.add_named_collector(&found, move |found| {
            Box::new(Gathered {
                registry,
                known: Mutex::new(found.into_iter().map(|name| (name, true)).collect()),
                buckets: Mutex::default(),
            })
        })
    }
}

/// A registry, and what its metrics were translated to so far.
struct Gathered {
    registry: prometheus::Registry,
    /// The names that were seen, and whether they are reserved for this registry.
    known: Mutex<HashMap<String, bool>>,
    /// By their bounds, so that a scrape does not check them again.
    buckets: Mutex<HashMap<Vec<u64>, Option<Buckets>>>,
}

impl CollectNamed for Gathered {
    fn collect(
        &self,
        reserve: &mut dyn FnMut(&str, Kind, &'static str) -> bool,
        visitor: &mut dyn Visitor,
    ) {
        for family in self.registry.gather() {
            let (name, kind) = heading(&family);
            let ours = *self
                .known
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .entry(name.clone())
                .or_insert_with(|| reserve(&name, kind, API));
            if !ours || family.get_field_type() == MetricType::SUMMARY {
                continue;
            }
            visitor.family(&Desc { name, help: family.help().to_owned(), kind });
            let mut labels = String::new();
            for metric in family.get_metric() {
                labels.clear();
                for pair in metric.get_label() {
                    push_pair(&mut labels, pair.name(), pair.value());
                }
                match family.get_field_type() {
                    MetricType::COUNTER => {
                        number(visitor, &labels, metric.get_counter().get_value());
                    }
                    MetricType::HISTOGRAM => self.histogram(visitor, &labels, metric),
                    _ => visitor.float(&labels, metric.get_gauge().get_value()),
                }
            }
        }
    }
}

impl Gathered {
    fn histogram(&self, visitor: &mut dyn Visitor, labels: &str, metric: &Metric) {
        let histogram = metric.get_histogram();
        let finite = || histogram.get_bucket().iter().filter(|b| b.upper_bound().is_finite());
        let key: Vec<u64> = finite().map(|bucket| bucket.upper_bound().to_bits()).collect();
        let mut all = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let buckets = all
            .entry(key)
            .or_insert_with(|| Buckets::floats(finite().map(Bucket::upper_bound)).ok());
        let Some(buckets) = buckets.clone() else { return };
        drop(all);
        let mut before = 0;
        let mut cells: Vec<u64> = finite()
            .map(|bucket| {
                let count = bucket.cumulative_count().saturating_sub(before);
                before = bucket.cumulative_count();
                count
            })
            .collect();
        cells.push(histogram.get_sample_count().saturating_sub(before));
        cells.push(floats::to_ordered(histogram.get_sample_sum()));
        visitor.histogram(labels, &buckets, &cells, None);
    }
}

/// Returns the name and the kind under which a family is exported.
fn heading(family: &MetricFamily) -> (String, Kind) {
    let name = family.name();
    match family.get_field_type() {
        MetricType::COUNTER if !name.ends_with("_total") => {
            (format!("{name}_total"), Kind::Counter)
        }
        MetricType::COUNTER => (name.to_owned(), Kind::Counter),
        MetricType::HISTOGRAM => (name.to_owned(), Kind::Histogram),
        _ => (name.to_owned(), Kind::Gauge),
    }
}

fn number(visitor: &mut dyn Visitor, labels: &str, value: f64) {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    if value.fract() == 0.0 && (0.0..9e15).contains(&value) {
        visitor.integer(labels, value as u64);
    } else {
        visitor.float(labels, value);
    }
}

impl fmt::Debug for Gathered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gathered").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use prometheus::{HistogramOpts, HistogramVec, IntCounter, IntGauge};

    use crate::{Format, Registry};

    fn text(registry: &Registry) -> String {
        let mut out = Vec::new();
        registry.encode(Format::Prometheus, &mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn counters_gauges_and_histograms_are_exported_with_their_values() {
        let theirs = prometheus::Registry::new();
        let jobs = IntCounter::new("jobs", "Jobs.").expect("valid");
        let rooms = IntGauge::new("rooms", "Rooms.").expect("valid");
        let opts = HistogramOpts::new("wait_ms", "Waits.").buckets(vec![-1.0, 0.5, 10.0]);
        let waits = HistogramVec::new(opts, &["kind"]).expect("valid");
        theirs.register(Box::new(jobs.clone())).expect("free");
        theirs.register(Box::new(rooms.clone())).expect("free");
        theirs.register(Box::new(waits.clone())).expect("free");
        let registry = Registry::new();
        registry.gather_from(theirs).expect("free");
        jobs.inc_by(3);
        rooms.set(-2);
        for value in [-2.0, 0.25, 7.5, 11.0] {
            waits.with_label_values(&["a"]).observe(value);
        }
        let text = text(&registry);
        assert!(text.contains("# TYPE jobs_total counter\njobs_total 3\n"), "{text}");
        assert!(text.contains("# TYPE rooms gauge\nrooms -2.0\n"), "{text}");
        assert!(
            text.contains(
                "wait_ms_bucket{kind=\"a\",le=\"-1.0\"} 1\n\
                 wait_ms_bucket{kind=\"a\",le=\"0.5\"} 2\n\
                 wait_ms_bucket{kind=\"a\",le=\"10.0\"} 3\n\
                 wait_ms_bucket{kind=\"a\",le=\"+Inf\"} 4\n\
                 wait_ms_sum{kind=\"a\"} 16.75\nwait_ms_count{kind=\"a\"} 4\n"
            ),
            "{text}"
        );
    }

    #[test]
    fn all_names_that_collide_are_refused_in_one_sentence() {
        let theirs = prometheus::Registry::new();
        for name in ["jobs_total", "runs_total", "free_total"] {
            let counter = IntCounter::new(name, "A counter.").expect("valid");
            theirs.register(Box::new(counter)).expect("free");
        }
        let registry = Registry::new();
        registry.counter("jobs_total", "Jobs.").expect("free");
        registry.counter("runs_total", "Runs.").expect("free");
        let error = registry.gather_from(theirs).expect_err("collides").to_string();
        assert!(error.contains("jobs_total") && error.contains("runs_total"), "{error}");
        assert!(!error.contains("free_total"), "{error}");
        registry.counter("free_total", "Nothing was added.").expect("still free");
    }

    #[test]
    fn the_families_of_a_process_are_refused() {
        let theirs = prometheus::Registry::new();
        let threads = IntGauge::new("process_threads", "Threads.").expect("valid");
        theirs.register(Box::new(threads)).expect("free");
        let error = Registry::new().gather_from(theirs).expect_err("refused").to_string();
        assert!(error.contains("process_threads") && error.contains("ProcessMetrics"), "{error}");
    }

    #[test]
    fn a_family_that_comes_later_under_a_taken_name_is_left_out_and_counted() {
        let theirs = prometheus::Registry::new();
        let registry = Registry::new();
        registry.gather_from(theirs.clone()).expect("empty");
        registry.counter("jobs_total", "Jobs.").expect("free");
        let jobs = IntCounter::new("jobs_total", "Also jobs.").expect("valid");
        theirs.register(Box::new(jobs.clone())).expect("free there");
        jobs.inc_by(7);
        let text = text(&registry) + &text(&registry);
        assert_eq!(text.matches("\njobs_total 0\n").count(), 2, "{text}");
        assert!(!text.contains("jobs_total 7"), "{text}");
        let refused = "sre_kit_metrics_refused_total{metric=\"jobs_total\",api=\"prometheus\"} 1\n";
        assert!(text.contains(refused), "{text}");
    }
}
