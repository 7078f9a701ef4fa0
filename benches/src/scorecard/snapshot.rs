//! The value of every series at one moment.

use std::collections::{BTreeMap, BTreeSet};

use opentelemetry::KeyValue;
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, Histogram, MetricData, ResourceMetrics, ScopeMetrics, Sum,
};

/// `name{labels}` and its value.
#[derive(Clone, Debug, Default)]
pub(super) struct Snapshot(BTreeMap<String, f64>);

impl Snapshot {
    /// Reads Prometheus' text format.
    pub(super) fn of_text(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        Self(lines.filter_map(|line| line.rsplit_once(' ')).filter_map(parsed).collect())
    }

    /// Reads what an OpenTelemetry reader has collected: sums under their name,
    /// histograms with `.count` and `.sum` behind it.
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

    /// The sum over all series of that name.
    pub(super) fn sum(&self, name: &str) -> f64 {
        self.0.iter().filter(|(series, _)| name_of(series) == name).map(|(_, value)| value).sum()
    }

    /// The series of that name that are larger here than there.
    pub(super) fn grown<'a>(&'a self, since: &Self, name: &str) -> BTreeSet<&'a str> {
        let grew = |series: &str, value: f64| value > since.0.get(series).copied().unwrap_or(0.0);
        let all = self.0.iter().filter(|(series, _)| name_of(series) == name);
        all.filter(|(series, value)| grew(series, **value))
            .map(|(series, _)| series.as_str())
            .collect()
    }

    /// How many series of that name there are.
    pub(super) fn count(&self, name: &str) -> usize {
        self.0.keys().filter(|series| name_of(series) == name).count()
    }
}

/// What points hold.
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
