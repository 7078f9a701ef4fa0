//! The registry: every family of one process, or of one part of it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Metric;

use super::buckets::Buckets;
use super::cells::{CellOffset, ShardedCells};
use super::exposition::{self, Format, Scrapes};
use super::family::{Family, Samples};
use super::foreign::Foreign;
use super::handles::{Counter, CounterFamily, Histogram, HistogramFamily};
use super::name::Names;
use super::text::{TextEncoder, TextFormat};
use super::visit::{Collect, Desc, Kind, Visitor};
use sre_kit_core::ConfigError;
use sre_kit_core::internal::check_labels;

/// As many series per family as the OpenTelemetry metrics SDK allows by default.
const DEFAULT_LIMIT: usize = 2_000;

/// Counts the observations that found their family full.
const OVERFLOW: &str = "sre_kit_metrics_overflow_total";

/// Holds metric families and writes them out.
///
/// Nothing is global: a process may have as many registries as it likes.
/// Cloning is cheap and gives the same registry.
///
/// Families made here are sharded: recording takes no lock and allocates
/// nothing. Metrics of the `prometheus_client` crate are welcome beside them,
/// see [`register`](Self::register).
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
    state: Mutex<State>,
    scrapes: Mutex<Option<Scrapes>>,
}

#[derive(Default)]
struct State {
    names: Names,
    entries: Vec<Entry>,
    foreign: Vec<Arc<Foreign>>,
}

#[derive(Clone)]
enum Entry {
    Sharded(Arc<Family>),
    Computed(Arc<Computed>),
    Collector(Arc<dyn Collect>),
}

impl Entry {
    /// A bounded family and how much went past its bound.
    fn overflowed(&self) -> Option<(&str, u64)> {
        match self {
            Self::Sharded(family) => Some((family.name(), family.overflowed())),
            Self::Collector(collector) => collector.overflowed(),
            Self::Computed(_) => None,
        }
    }
}

struct Computed {
    desc: Desc,
    names: Arc<[Box<str>]>,
    f: Box<dyn Fn(&mut Samples<'_>) + Send + Sync>,
}

/// Settings of a [`Registry`].
#[derive(Clone, Debug)]
pub struct RegistryBuilder {
    limit: usize,
    shards: Option<usize>,
}

impl RegistryBuilder {
    /// How many series one family may have before the next ones share the series
    /// `{otel_metric_overflow="true"}`. 2 000 unless set; at least 1.
    #[must_use]
    pub fn max_series_per_family(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// How many threads record at once. As many as the process has cores unless set.
    ///
    /// Twice as many, and up to 64, have a shard of their own that nobody else
    /// writes; the others share up to 8. A thread that records nothing takes no room.
    #[must_use]
    pub fn shards(mut self, shards: usize) -> Self {
        self.shards = Some(shards);
        self
    }

    /// Builds the registry.
    ///
    /// # Errors
    ///
    /// When the limit or the number of shards is zero.
    pub fn build(self) -> Result<Registry, ConfigError> {
        for (field, value) in
            [("max_series_per_family", self.limit), ("shards", self.shards.unwrap_or(1))]
        {
            if value == 0 {
                return Err(ConfigError::new(
                    field,
                    value,
                    "it is at least 1",
                    "leave it out to have the default",
                ));
            }
        }
        Ok(Registry::from(&self))
    }
}

impl Registry {
    /// A registry with the default limits.
    pub fn new() -> Self {
        Self::from(&Self::builder())
    }

    /// From settings that were checked.
    fn from(settings: &RegistryBuilder) -> Self {
        let cells = settings.shards.map_or_else(ShardedCells::new, ShardedCells::for_threads);
        Self {
            inner: Arc::new(Inner {
                cells: Arc::new(cells),
                limit: settings.limit,
                state: Mutex::default(),
                scrapes: Mutex::default(),
            }),
        }
    }

    /// A registry with limits of one's own.
    pub fn builder() -> RegistryBuilder {
        RegistryBuilder { limit: DEFAULT_LIMIT, shards: None }
    }

    /// A counter without labels. `name` ends in `_total`.
    ///
    /// # Errors
    ///
    /// When the name is malformed or taken.
    pub fn counter(&self, name: &str, help: &str) -> Result<Counter, ConfigError> {
        Ok(self.counter_family(name, help, &[])?.with(&[]))
    }

    /// Counters with labels. `name` ends in `_total`.
    ///
    /// # Errors
    ///
    /// When the name or a label is malformed, or the name is taken.
    pub fn counter_family(
        &self,
        name: &str,
        help: &str,
        label_names: &[&str],
    ) -> Result<CounterFamily, ConfigError> {
        check_labels(label_names)?;
        let family = self.sharded(name, help, Kind::Counter, None)?;
        Ok(CounterFamily { family, names: own(label_names) })
    }

    /// A histogram without labels. `name` ends in its unit.
    ///
    /// # Errors
    ///
    /// When the name is malformed or taken.
    pub fn histogram(
        &self,
        name: &str,
        help: &str,
        buckets: &Buckets,
    ) -> Result<Histogram, ConfigError> {
        Ok(self.histogram_family(name, help, buckets, &[])?.with(&[]))
    }

    /// Histograms with labels. `name` ends in its unit.
    ///
    /// # Errors
    ///
    /// When the name or a label is malformed, or the name is taken.
    pub fn histogram_family(
        &self,
        name: &str,
        help: &str,
        buckets: &Buckets,
        label_names: &[&str],
    ) -> Result<HistogramFamily, ConfigError> {
        check_labels(label_names)?;
        let family = self.sharded(name, help, Kind::Histogram, Some(buckets.clone()))?;
        Ok(HistogramFamily { family, names: own(label_names), buckets: buckets.clone() })
    }

    /// A gauge whose values are computed at each scrape.
    ///
    /// `f` runs on the thread that encodes; it must not block for long.
    ///
    /// # Errors
    ///
    /// When the name or a label is malformed, or the name is taken.
    pub fn gauge_fn(
        &self,
        name: &str,
        help: &str,
        label_names: &[&str],
        f: impl Fn(&mut Samples<'_>) + Send + Sync + 'static,
    ) -> Result<(), ConfigError> {
        self.computed(name, help, Kind::Gauge, label_names, Box::new(f))
    }

    /// A counter that something else keeps, read at each scrape. `name` ends in `_total`.
    ///
    /// # Errors
    ///
    /// When the name or a label is malformed, or the name is taken.
    pub fn counter_fn(
        &self,
        name: &str,
        help: &str,
        label_names: &[&str],
        f: impl Fn(&mut Samples<'_>) + Send + Sync + 'static,
    ) -> Result<(), ConfigError> {
        self.computed(name, help, Kind::Counter, label_names, Box::new(f))
    }

    /// Adds a metric made with the `prometheus_client` crate.
    ///
    /// That crate appends `_total` to a counter and `_info` to an info metric:
    /// give `name` without. The metric is written in every format, a native-only
    /// histogram with its `+Inf` bucket where the format knows only classic ones.
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
    /// When the name that will be printed is malformed or taken, or has a suffix
    /// that would be appended once more.
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
        let mut state = self.lock();
        state.names.reserve(&format!("{name}{suffix}"), kind)?;
        state.foreign.push(Arc::new(Foreign::new(name, suffix, kind, help, metric)));
        Ok(())
    }

    /// Appends every family to `out`, as a scraper reads it: those of the kit,
    /// those that were added by [`register`](Self::register), and what the format
    /// has at its end.
    ///
    /// For pushing metrics or looking at them; over HTTP, use an
    /// [`Exposition`](super::Exposition).
    pub fn encode(&self, format: Format, out: &mut Vec<u8>) {
        exposition::encode(self, format, out);
    }

    /// Appends the kit's own families to `out`, without a closing `# EOF`.
    ///
    /// What was added by [`register`](Self::register) is not in it; the
    /// exposition puts both together.
    pub fn encode_text(&self, out: &mut String, format: TextFormat) {
        self.visit(&mut TextEncoder::new(out, format));
    }

    pub(crate) fn visit(&self, visitor: &mut dyn Visitor) {
        self.visit_some(|_| true, visitor);
    }

    /// The same without families whose names are not `wanted`, where leaving them
    /// out saves work: a visitor still has to look at the names it is given.
    pub(crate) fn visit_some(&self, wanted: impl Fn(&str) -> bool, visitor: &mut dyn Visitor) {
        // A closure may use the registry, so none runs while it is locked.
        let entries = self.lock().entries.clone();
        for entry in &entries {
            match entry {
                Entry::Sharded(family) if !wanted(family.name()) => {}
                Entry::Computed(computed) if !wanted(&computed.desc.name) => {}
                Entry::Sharded(family) => family.visit(visitor),
                Entry::Collector(collector) => collector.collect(visitor),
                Entry::Computed(computed) => {
                    let Computed { desc, names, f } = &**computed;
                    f(&mut Samples::new(visitor, desc, names, self.inner.limit));
                }
            }
        }
        let overflowed: Vec<_> = entries.iter().filter_map(Entry::overflowed).collect();
        if overflowed.is_empty() {
            return;
        }
        visitor.family(&Desc {
            name: OVERFLOW.to_owned(),
            help: "Observations that found their family full.".to_owned(),
            kind: Kind::Counter,
        });
        for (family, count) in overflowed {
            visitor.integer(&format!("metric=\"{family}\""), count);
        }
    }

    /// A sharded family for parts of the kit that key their series themselves.
    pub(crate) fn sharded(
        &self,
        name: &str,
        help: &str,
        kind: Kind,
        buckets: Option<Buckets>,
    ) -> Result<Arc<Family>, ConfigError> {
        let desc = Desc { name: name.to_owned(), help: help.to_owned(), kind };
        let cells = Arc::clone(&self.inner.cells);
        self.add_family(Family::new(desc, buckets, cells, self.inner.limit)?)
    }

    /// A histogram family whose rows are parts of longer ones.
    pub(crate) fn adopted(
        &self,
        name: &str,
        help: &str,
        buckets: Buckets,
        overflow: CellOffset,
    ) -> Result<Arc<Family>, ConfigError> {
        let desc = Desc { name: name.to_owned(), help: help.to_owned(), kind: Kind::Histogram };
        let (cells, limit) = (Arc::clone(&self.inner.cells), self.inner.limit);
        self.add_family(Family::with_overflow(desc, Some(buckets), cells, limit, overflow))
    }

    fn add_family(&self, family: Family) -> Result<Arc<Family>, ConfigError> {
        let mut state = self.lock();
        if family.name() == OVERFLOW {
            return Err(ConfigError::new(
                "metric name",
                OVERFLOW,
                "the registry prints it",
                "rename",
            ));
        }
        state.names.reserve(family.name(), family.kind())?;
        let family = Arc::new(family);
        state.entries.push(Entry::Sharded(Arc::clone(&family)));
        Ok(family)
    }

    /// Adds families that are collected together, under names reserved now.
    pub(crate) fn collector(
        &self,
        families: &[(&str, Kind)],
        collector: Arc<dyn Collect>,
    ) -> Result<(), ConfigError> {
        let mut state = self.lock();
        for (name, kind) in families {
            state.names.reserve(name, *kind)?;
        }
        state.entries.push(Entry::Collector(collector));
        Ok(())
    }

    pub(crate) fn limit(&self) -> usize {
        self.inner.limit
    }

    pub(crate) fn cells(&self) -> &Arc<ShardedCells> {
        &self.inner.cells
    }

    /// The users' own metrics.
    pub(crate) fn foreign(&self) -> Vec<Arc<Foreign>> {
        self.lock().foreign.clone()
    }

    /// What expositions of this registry report of themselves, made by the first one.
    pub(crate) fn scrapes(&self) -> Result<Scrapes, ConfigError> {
        let mut scrapes = self.inner.scrapes.lock().unwrap_or_else(PoisonError::into_inner);
        match &*scrapes {
            Some(made) => Ok(made.clone()),
            None => Ok(scrapes.insert(Scrapes::new(self)?).clone()),
        }
    }

    fn computed(
        &self,
        name: &str,
        help: &str,
        kind: Kind,
        label_names: &[&str],
        f: Box<dyn Fn(&mut Samples<'_>) + Send + Sync>,
    ) -> Result<(), ConfigError> {
        check_labels(label_names)?;
        let mut state = self.lock();
        state.names.reserve(name, kind)?;
        let desc = Desc { name: name.to_owned(), help: help.to_owned(), kind };
        let computed = Computed { desc, names: own(label_names), f };
        state.entries.push(Entry::Computed(Arc::new(computed)));
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn own(names: &[&str]) -> Arc<[Box<str>]> {
    names.iter().map(|&name| name.into()).collect()
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("families", &self.lock().entries.len())
            .field("max_series_per_family", &self.inner.limit)
            .field("columns", &self.inner.cells.shard_count())
            .finish_non_exhaustive()
    }
}
