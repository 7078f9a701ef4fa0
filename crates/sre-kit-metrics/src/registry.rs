//! The registry of metric families.

use std::fmt;
use std::sync::Arc;

use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Metric;
use sre_kit_core::ConfigError;
use sre_kit_core::internal::check_labels;

use crate::buckets::Buckets;
use crate::cells::{CellOffset, ShardedCells};
use crate::counter::{Counter, CounterFamily};
use crate::entry::{Computed, SampleFn};
use crate::extensions::Extensions;
use crate::families::Families;
use crate::family::Family;
use crate::foreign::Foreign;
use crate::histogram::{Histogram, HistogramFamily};
use crate::samples::Samples;
use crate::visit::{Collect, Desc, Kind, Visitor};

/// A set of metric families, and what encodes them.
///
/// There is no global registry, and a process can have several. Clones are cheap and share the
/// families.
///
/// Families that are created here are sharded: recording takes no lock and allocates nothing.
/// Metrics of the `prometheus_client` crate can be added with [`register`](Self::register).
///
/// ```
/// use sre_kit_metrics::{Registry, TextFormat};
///
/// let registry = Registry::new();
/// let jobs = registry.counter_family("jobs_total", "Jobs done.", &["kind"])?;
/// jobs.with(&["import"]).inc();
///
/// let mut text = String::new();
/// registry.encode_text(&mut text, TextFormat::Prometheus);
/// assert!(text.contains("jobs_total{kind=\"import\"} 1\n"));
/// # Ok::<(), sre_kit_metrics::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Registry {
    inner: Arc<Inner>,
}

struct Inner {
    cells: Arc<ShardedCells>,
    limit: usize,
    families: Families,
    extensions: Extensions,
}

impl Registry {
    pub(crate) fn with_cells(cells: ShardedCells, limit: usize) -> Self {
        Self {
            inner: Arc::new(Inner {
                cells: Arc::new(cells),
                limit,
                families: Families::default(),
                extensions: Extensions::default(),
            }),
        }
    }

    /// Creates a counter without labels. `name` ends in `_total`.
    ///
    /// # Errors
    ///
    /// Returns an error if the name is malformed or taken.
    pub fn counter(&self, name: &str, help: &str) -> Result<Counter, ConfigError> {
        Ok(self.counter_family(name, help, &[])?.with(&[]))
    }

    /// Creates counters with labels. `name` ends in `_total`.
    ///
    /// # Errors
    ///
    /// Returns an error if the name or a label is malformed, or if the name is taken.
    pub fn counter_family(
        &self,
        name: &str,
        help: &str,
        label_names: &[&str],
    ) -> Result<CounterFamily, ConfigError> {
        check_labels(label_names)?;
        let family = self.sharded_family(name, help, Kind::Counter, None)?;
        Ok(CounterFamily::new(family, owned(label_names)))
    }

    /// Creates a histogram without labels. `name` ends in its unit.
    ///
    /// # Errors
    ///
    /// Returns an error if the name is malformed or taken.
    pub fn histogram(
        &self,
        name: &str,
        help: &str,
        buckets: &Buckets,
    ) -> Result<Histogram, ConfigError> {
        Ok(self.histogram_family(name, help, buckets, &[])?.with(&[]))
    }

    /// Creates histograms with labels. `name` ends in its unit.
    ///
    /// # Errors
    ///
    /// Returns an error if the name or a label is malformed, or if the name is taken.
    pub fn histogram_family(
        &self,
        name: &str,
        help: &str,
        buckets: &Buckets,
        label_names: &[&str],
    ) -> Result<HistogramFamily, ConfigError> {
        check_labels(label_names)?;
        let family = self.sharded_family(name, help, Kind::Histogram, Some(buckets.clone()))?;
        Ok(HistogramFamily::new(family, owned(label_names), buckets.clone()))
    }

    /// Registers a gauge whose samples `sample` computes at each scrape.
    ///
    /// `sample` runs on the thread that encodes and must not block for long.
    ///
    /// # Errors
    ///
    /// Returns an error if the name or a label is malformed, or if the name is taken.
    pub fn gauge_fn(
        &self,
        name: &str,
        help: &str,
        label_names: &[&str],
        sample: impl Fn(&mut Samples<'_>) + Send + Sync + 'static,
    ) -> Result<(), ConfigError> {
        self.computed(name, help, Kind::Gauge, label_names, Box::new(sample))
    }

    /// Registers a counter whose value is kept elsewhere and read at each scrape. `name` ends in
    /// `_total`.
    ///
    /// `sample` runs on the thread that encodes and must not block for long.
    ///
    /// # Errors
    ///
    /// Returns an error if the name or a label is malformed, or if the name is taken.
    pub fn counter_fn(
        &self,
        name: &str,
        help: &str,
        label_names: &[&str],
        sample: impl Fn(&mut Samples<'_>) + Send + Sync + 'static,
    ) -> Result<(), ConfigError> {
        self.computed(name, help, Kind::Counter, label_names, Box::new(sample))
    }

    /// Adds a metric that was made with the `prometheus_client` crate.
    ///
    /// That crate appends `_total` to a counter and `_info` to an info metric: leave the suffix
    /// out of `name`. The metric is written in every format. A histogram that has only native
    /// buckets is written with its `+Inf` bucket in formats that have classic buckets only.
    ///
    /// ```
    /// use prometheus_client::metrics::gauge::Gauge;
    /// use sre_kit_metrics::{Format, Registry};
    ///
    /// let registry = Registry::new();
    /// let queued = Gauge::<i64>::default();
    /// registry.register("jobs_queued", "Jobs that wait.", queued.clone())?;
    /// queued.set(3);
    ///
    /// let mut out = Vec::new();
    /// registry.encode(Format::Prometheus, &mut out);
    /// assert!(String::from_utf8_lossy(&out).contains("\njobs_queued 3\n"));
    /// # Ok::<(), sre_kit_metrics::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if the exported name is malformed or taken, or if `name` has a suffix that
    /// would be appended once more.
    pub fn register(&self, name: &str, help: &str, metric: impl Metric) -> Result<(), ConfigError> {
        let (kind, suffix) = match metric.metric_type() {
            MetricType::Counter => (Kind::Counter, "_total"),
            MetricType::Histogram => (Kind::Histogram, ""),
            MetricType::Info => (Kind::Gauge, "_info"),
            _ => (Kind::Gauge, ""),
        };
        if !suffix.is_empty() && name.ends_with(suffix) {
            return Err(ConfigError::new(
                "metric name",
                name,
                format!("`{suffix}` is appended to a metric of this kind"),
                format!("leave `{suffix}` out"),
            ));
        }
        let foreign = Foreign::new(name, suffix, kind, help, metric);
        self.inner.families.add_foreign(foreign)
    }

    /// Shows every family to `visitor`.
    pub(crate) fn visit(&self, visitor: &mut dyn Visitor) {
        self.visit_matching(|_| true, visitor);
    }

    /// Shows the families whose names `matches` accepts, where skipping the others saves work: the
    /// visitor still has to check the names that it gets.
    pub(crate) fn visit_matching(&self, matches: impl Fn(&str) -> bool, visitor: &mut dyn Visitor) {
        self.inner.families.visit_matching(matches, self.inner.limit, visitor);
    }

    /// Registers a sharded family whose series are keyed by the caller.
    pub(crate) fn sharded_family(
        &self,
        name: &str,
        help: &str,
        kind: Kind,
        buckets: Option<Buckets>,
    ) -> Result<Arc<Family>, ConfigError> {
        let desc = Desc { name: name.to_owned(), help: help.to_owned(), kind };
        let cells = Arc::clone(&self.inner.cells);
        let family = Family::new(desc, buckets, cells, self.inner.limit)?;
        self.inner.families.add_sharded(family)
    }

    /// Registers a histogram family whose cells are parts of longer allocations.
    pub(crate) fn adopted_family(
        &self,
        name: &str,
        help: &str,
        buckets: Buckets,
        overflow: CellOffset,
    ) -> Result<Arc<Family>, ConfigError> {
        let desc = Desc { name: name.to_owned(), help: help.to_owned(), kind: Kind::Histogram };
        let (cells, limit) = (Arc::clone(&self.inner.cells), self.inner.limit);
        let family = Family::with_overflow(desc, Some(buckets), cells, limit, overflow);
        self.inner.families.add_sharded(family)
    }

    /// Registers families that are read together, under names that are reserved now.
    pub(crate) fn register_collector(
        &self,
        families: &[(&str, Kind)],
        collector: Arc<dyn Collect>,
    ) -> Result<(), ConfigError> {
        self.inner.families.add_collector(families, collector)
    }

    /// Returns the families.
    pub(crate) fn families(&self) -> &Families {
        &self.inner.families
    }

    pub(crate) fn max_series_per_family(&self) -> usize {
        self.inner.limit
    }

    pub(crate) fn cells(&self) -> &Arc<ShardedCells> {
        &self.inner.cells
    }

    /// Returns the values that other parts of the kit keep here, one per type.
    pub(crate) fn extensions(&self) -> &Extensions {
        &self.inner.extensions
    }

    /// Returns the metrics that [`register`](Self::register) added.
    pub(crate) fn foreign(&self) -> Vec<Arc<Foreign>> {
        self.inner.families.foreign()
    }

    fn computed(
        &self,
        name: &str,
        help: &str,
        kind: Kind,
        label_names: &[&str],
        sample: SampleFn,
    ) -> Result<(), ConfigError> {
        check_labels(label_names)?;
        let desc = Desc { name: name.to_owned(), help: help.to_owned(), kind };
        let computed = Computed { desc, label_names: owned(label_names), sample };
        self.inner.families.add_computed(computed)
    }
}

fn owned(names: &[&str]) -> Arc<[Box<str>]> {
    names.iter().map(|&name| name.into()).collect()
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("families", &self.inner.families.len())
            .field("max_series_per_family", &self.inner.limit)
            .field("shards", &self.inner.cells.shard_count())
            .finish_non_exhaustive()
    }
}
