//! What Prometheus would scrape.

mod metric;
mod parse;
mod series;

use std::collections::{BTreeMap, BTreeSet};

pub use metric::MetricAssert;
pub use parse::ParseError;
pub use series::Series;

use crate::metrics::{Registry, TextFormat};

/// The samples of one scrape.
///
/// [`of`](Self::of) scrapes a registry without a port; [`parse`](Self::parse) reads what an admin
/// listener answered. The reader is strict: it refuses what Prometheus would refuse or misread.
///
/// ```
/// use sre_kit::metrics::Registry;
/// use sre_kit::testing::Scrape;
///
/// let registry = Registry::new();
/// let jobs = registry.counter_family("jobs_total", "Jobs done.", &["kind", "result"])?;
/// jobs.with(&["import", "ok"]).add(2);
/// jobs.with(&["import", "failed"]).inc();
///
/// let scrape = Scrape::of(&registry);
/// scrape.metric("jobs_total").label("kind", "import").assert_is(3);
/// scrape.metric("jobs_total").label("result", "failed").assert_is(1);
/// # Ok::<(), sre_kit::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Scrape {
    samples: BTreeMap<Series, f64>,
    /// Family name, as the format spells it, to its type.
    kinds: BTreeMap<String, String>,
    open_metrics: bool,
}

impl Scrape {
    /// Scrapes `registry` in the Prometheus text format.
    ///
    /// # Panics
    ///
    /// Panics if the exposition is malformed, which only a metric of another crate that
    /// [`Registry::register`] added can cause.
    #[track_caller]
    pub fn of(registry: &Registry) -> Self {
        let mut text = String::new();
        registry.encode_text(&mut text, TextFormat::Prometheus);
        match Self::parse(&text) {
            Ok(scrape) => scrape,
            Err(error) => panic!("{error}"),
        }
    }

    /// Reads an exposition in the Prometheus or OpenMetrics text format.
    ///
    /// # Errors
    ///
    /// Returns the first line that a scraper would refuse or misread: a sample outside of its
    /// family, a family or series that is written twice, an unknown escape, or a histogram that is
    /// not cumulative or lacks a part.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        parse::parse(text)
    }

    /// Returns all samples, sorted by series.
    pub fn samples(&self) -> impl Iterator<Item = (&Series, f64)> {
        self.samples.iter().map(|(series, value)| (series, *value))
    }

    /// Returns the names of all samples.
    pub fn names(&self) -> BTreeSet<&str> {
        self.samples.keys().map(Series::name).collect()
    }

    /// Returns the value of the series with exactly these labels.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels = labels.iter().map(|&(n, v)| (n.to_owned(), v.to_owned())).collect();
        self.samples.get(&Series { name: name.to_owned(), labels }).copied()
    }

    /// Returns the sum of the series that have this name and at least these labels, or `None` if
    /// there is no such series.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels = labels.iter().map(|&(n, v)| (n.to_owned(), v.to_owned())).collect();
        self.sum_of(name, &labels)
    }

    /// Returns the type of a family, such as `counter`.
    pub fn kind_of(&self, family: &str) -> Option<&str> {
        self.kinds.get(family).map(String::as_str)
    }

    /// Returns whether the format is OpenMetrics.
    pub fn is_open_metrics(&self) -> bool {
        self.open_metrics
    }

    /// Selects the samples called `name` for an assertion.
    pub fn metric(&self, name: impl Into<String>) -> MetricAssert {
        MetricAssert::new(name.into(), self.clone(), None)
    }

    pub(super) fn metric_since(self, before: Self, name: String) -> MetricAssert {
        MetricAssert::new(name, self, Some(before))
    }

    /// Returns the series that `earlier` does not have.
    pub fn new_series_since(&self, earlier: &Self) -> Vec<&Series> {
        self.samples.keys().filter(|series| !earlier.samples.contains_key(*series)).collect()
    }

    fn sum_of(&self, name: &str, labels: &BTreeMap<String, String>) -> Option<f64> {
        let of_name = self.samples.iter().filter(|(series, _)| series.name == name);
        let found = of_name.filter(|(series, _)| series.matching(labels) == labels.len());
        found.map(|(_, value)| *value).reduce(|sum, value| sum + value)
    }
}
