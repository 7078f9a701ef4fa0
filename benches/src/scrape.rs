//! The time and memory of 10 000 histograms with 14 bounds.

use std::fmt;

use measured::metric::histogram::Thresholds;
use measured::metric::name::MetricName;
use measured::metric::{MetricFamilyEncoding, MetricVec};
use measured::text::BufferedTextEncoder;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use sre_kit::metrics::{Buckets, HistogramFamily, Registry, TextFormat};

/// The bucket bounds that OpenTelemetry's semantic conventions advise, in seconds.
const BOUNDS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "DELETE", "PATCH"];
const STATUSES: [&str; 4] = ["200", "404", "500", "503"];

/// The label sets, each of which gets a histogram.
#[derive(Clone, Debug)]
pub struct LabelSets {
    routes: Vec<&'static str>,
}

impl LabelSets {
    /// Creates `n` label sets of five methods, four statuses and as many routes as needed. The
    /// strings are leaked.
    pub fn new(n: usize) -> Self {
        let routes = (0..n / (METHODS.len() * STATUSES.len()))
            .map(|i| &*Box::leak(format!("/api/v1/resource{i:04}/{{id}}").into_boxed_str()))
            .collect();
        Self { routes }
    }

    /// Iterates over method, route and status of each set.
    pub fn iter(&self) -> impl Iterator<Item = [&'static str; 3]> + '_ {
        self.routes.iter().flat_map(|route| {
            METHODS.iter().flat_map(move |method| STATUSES.map(|status| [*method, *route, status]))
        })
    }
}

/// A metrics library with a histogram for each label set.
pub trait Library: fmt::Debug {
    /// Records one observation in each histogram.
    fn observe_all(&self);
    /// Encodes all histograms, into a reused buffer if the library supports it, and returns the
    /// number of bytes.
    fn encode(&mut self) -> usize;
}

/// sre-kit.
#[derive(Debug)]
pub struct SreKit {
    registry: Registry,
    family: HistogramFamily,
    sets: LabelSets,
    out: String,
}

impl SreKit {
    /// Creates all series.
    ///
    /// # Panics
    ///
    /// Never panics: the names and bounds are valid.
    pub fn new(sets: &LabelSets) -> Self {
        let registry = Registry::builder().max_series_per_family(20_000).build().expect("valid");
        let buckets = Buckets::seconds(BOUNDS).expect("valid bounds");
        let family = registry
            .histogram_family("duration_seconds", "h", &buckets, &["method", "route", "status"])
            .expect("valid names");
        Self { registry, family, sets: sets.clone(), out: String::new() }
    }
}

impl Library for SreKit {
    fn observe_all(&self) {
        for set in self.sets.iter() {
            self.family.with(&set).observe(0.02);
        }
    }

    fn encode(&mut self) -> usize {
        self.out.clear();
        self.registry.encode_text(&mut self.out, TextFormat::OpenMetrics);
        self.out.len()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    method: &'static str,
    route: &'static str,
    status: &'static str,
}

/// prometheus-client.
#[derive(Debug)]
pub struct PrometheusClient {
    registry: prometheus_client::registry::Registry,
    family: Family<Labels, Histogram, fn() -> Histogram>,
    sets: LabelSets,
    out: String,
}

impl PrometheusClient {
    /// Creates all series.
    pub fn new(sets: &LabelSets) -> Self {
        let family: Family<_, _, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new(BOUNDS));
        let mut registry = prometheus_client::registry::Registry::default();
        registry.register("duration_seconds", "h", family.clone());
        Self { registry, family, sets: sets.clone(), out: String::new() }
    }
}

impl Library for PrometheusClient {
    fn observe_all(&self) {
        for [method, route, status] in self.sets.iter() {
            self.family.get_or_create(&Labels { method, route, status }).observe(0.02);
        }
    }

    fn encode(&mut self) -> usize {
        self.out.clear();
        prometheus_client::encoding::text::encode(&mut self.out, &self.registry)
            .expect("a string takes everything");
        self.out.len()
    }
}

mod labels {
    //! The types for `measured`, in a module because its derive generates items without
    //! documentation.
    #![allow(missing_docs, missing_debug_implementations, unreachable_pub)]

    use measured::{FixedCardinalityLabel, LabelGroup};

    #[derive(Clone, Copy, FixedCardinalityLabel)]
    pub enum Method {
        Get,
        Post,
        Put,
        Delete,
        Patch,
    }

    #[derive(Clone, Copy, FixedCardinalityLabel)]
    pub enum Status {
        S200,
        S404,
        S500,
        S503,
    }

    #[derive(Clone, Copy, LabelGroup)]
    #[label(set = SetsOfAll)]
    pub struct Set<'a> {
        #[label(fixed)]
        pub method: Method,
        #[label(fixed_with = measured::lasso::RodeoReader)]
        pub route: &'a str,
        #[label(fixed)]
        pub status: Status,
    }
}

type MeasuredVec = MetricVec<measured::metric::histogram::HistogramState<14>, labels::SetsOfAll>;

/// measured, with its sparse vector for many label sets.
pub struct Measured {
    vec: MeasuredVec,
    sets: LabelSets,
    encoder: BufferedTextEncoder,
}

impl Measured {
    /// Creates all series.
    pub fn new(sets: &LabelSets) -> Self {
        let routes: measured::lasso::Rodeo = sets.routes.iter().copied().collect();
        let set = labels::SetsOfAll {
            method: measured::label::StaticLabelSet::new(),
            route: routes.into_reader(),
            status: measured::label::StaticLabelSet::new(),
        };
        let vec =
            MetricVec::sparse_with_label_set_and_metadata(set, Thresholds::with_buckets(BOUNDS));
        Self { vec, sets: sets.clone(), encoder: BufferedTextEncoder::new() }
    }
}

impl Library for Measured {
    fn observe_all(&self) {
        use labels::{Method, Set, Status};
        let methods = [Method::Get, Method::Post, Method::Put, Method::Delete, Method::Patch];
        let statuses = [Status::S200, Status::S404, Status::S500, Status::S503];
        for route in &self.sets.routes {
            for method in methods {
                for status in statuses {
                    self.vec.observe(Set { method, route, status }, 0.02);
                }
            }
        }
    }

    fn encode(&mut self) -> usize {
        let name = MetricName::from_str("duration_seconds");
        self.vec.collect_family_into(name, &mut self.encoder).expect("a buffer takes everything");
        self.encoder.finish().len()
    }
}

impl fmt::Debug for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Measured").field("sets", &self.sets).finish_non_exhaustive()
    }
}

/// The names of [`libraries`].
pub const LIBRARIES: [&str; 3] = ["sre-kit", "measured", "prometheus-client"];

/// Returns each library with its name.
pub fn libraries(sets: &LabelSets) -> Vec<(&'static str, Box<dyn Library>)> {
    let [ours, measured, prometheus_client] = LIBRARIES;
    vec![
        (ours, Box::new(SreKit::new(sets))),
        (measured, Box::new(Measured::new(sets))),
        (prometheus_client, Box::new(PrometheusClient::new(sets))),
    ]
}

#[cfg(test)]
mod tests {
    use super::{LabelSets, libraries};

    #[test]
    fn every_library_writes_every_bucket_of_every_label_set() {
        for (name, mut library) in libraries(&LabelSets::new(100)) {
            library.observe_all();
            // Each histogram has 17 lines of at least 60 bytes.
            assert!(library.encode() > 100 * 17 * 60, "{name}");
        }
    }
}
