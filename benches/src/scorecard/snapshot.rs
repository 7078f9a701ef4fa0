//! A snapshot of the values of all series.

use std::collections::{BTreeMap, BTreeSet};

use opentelemetry::KeyValue;
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, Histogram, MetricData, ResourceMetrics, ScopeMetrics, Sum,
};

/// The values by `name{labels}`.
#[derive(Clone, Debug, Default)]
pub(super) struct Snapshot(BTreeMap<String, f64>);

impl Snapshot {
    /// Parses Prometheus' text format.
    pub(super) fn of_text(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        Self(lines.filter_map(|line| line.rsplit_once(' ')).filter_map(parsed).collect())
    }

    /// Converts metrics from an OpenTelemetry reader: sums keep their name, histograms become two
    /// series with the suffixes `.count` and `.sum`.
    pub(super) fn of_otel(metrics: &ResourceMetrics) -> Self {
        let mut all = Self::default();
        for metric in metrics.scope_metrics().flat_map(ScopeMetrics::metrics) {
            let name = metric.name();
            match metric.data() {
                AggregatedMetrics::F64(MetricData::Histogram(data)) => all.histogram(name, data),
                AggregatedMetrics::U64(MetricData::Histogram(data)) => all.histogram(name, data),
                AggregatedMetrics::I64(MetricData::Sum(data)) => all.sum_of(name, data),
                _ => {}
            }
        }
        all
    }

    fn histogram<T: Number>(&mut self, name: &str, data: &Histogram<T>) {
        for point in data.data_points() {
            let labels = labels(point.attributes());
            self.0.insert(format!("{name}.count{{{labels}}}"), point.count() as f64);
            self.0.insert(format!("{name}.sum{{{labels}}}"), point.sum().number());
        }
    }

    fn sum_of<T: Number>(&mut self, name: &str, data: &Sum<T>) {
        for point in data.data_points() {
            let labels = labels(point.attributes());
            self.0.insert(format!("{name}{{{labels}}}"), point.value().number());
        }
    }

    /// Returns the sum of all series with this name.
    pub(super) fn sum(&self, name: &str) -> f64 {
        self.0.iter().filter(|(series, _)| name_of(series) == name).map(|(_, value)| value).sum()
    }

    /// Returns the series with this name whose values have grown since the other snapshot.
    pub(super) fn grown<'a>(&'a self, since: &Self, name: &str) -> BTreeSet<&'a str> {
        let grew = |series: &str, value: f64| value > since.0.get(series).copied().unwrap_or(0.0);
        let all = self.0.iter().filter(|(series, _)| name_of(series) == name);
        all.filter(|(series, value)| grew(series, **value))
            .map(|(series, _)| series.as_str())
            .collect()
    }

    /// Returns the number of series with this name.
    pub(super) fn count(&self, name: &str) -> usize {
        self.0.keys().filter(|series| name_of(series) == name).count()
    }
}

/// Converts the value of a data point.
trait Number: Copy {
    fn number(self) -> f64;
}

impl Number for f64 {
    fn number(self) -> f64 {
        self
    }
}

impl Number for u64 {
    fn number(self) -> f64 {
        self as f64
    }
}

impl Number for i64 {
    fn number(self) -> f64 {
        self as f64
    }
}

fn labels<'a>(attributes: impl Iterator<Item = &'a KeyValue>) -> String {
    let mut pairs: Vec<_> = attributes.map(|pair| format!("{}={}", pair.key, pair.value)).collect();
    pairs.sort();
    pairs.join(",")
}

fn parsed((series, value): (&str, &str)) -> Option<(String, f64)> {
    Some((series.to_owned(), value.parse().ok()?))
}

fn name_of(series: &str) -> &str {
    series.split('{').next().unwrap_or(series)
}
