//! The two packaged OpenTelemetry layers, with the SDK and a reader.

use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry_instrumentation_tower::http::server::LayerBuilder;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, MetricData, ResourceMetrics, ScopeMetrics,
};
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{
    InstrumentKind, ManualReader, Pipeline, SdkMeterProvider, Temporality,
};
use tower_layer::Layer;

use super::service::{Bare, Call, boxed};
use super::{Group, Variant};
use crate::request::Template;

pub(super) const TOWER_OTEL: &str = "in flight, duration, request and response size; at the head";
pub(super) const INSTRUMENTATION: &str =
    "in flight, duration, response size, and a span that no tracer takes; at the head";

pub(super) fn variants() -> Vec<Variant> {
    let (meter, reader) = meter();
    let layer = tower_otel::metrics::HttpLayer::server(&meter);
    let tower_otel = Variant::new("tower-otel", Group::Bare, TOWER_OTEL, move |mix| {
        boxed(layer.layer(Bare), mix)
    })
    .counted(move || reader.text());

    let (builder, reader) = instrumentation();
    let layer = builder
        .with_route_extractor_fn(|request: &Call| {
            request.extensions().get().map(|Template(route)| (*route).to_owned())
        })
        .build()
        .expect("valid");
    let instrumentation = Variant::new(
        "opentelemetry-instrumentation-tower",
        Group::Bare,
        INSTRUMENTATION,
        move |mix| boxed(layer.layer(Bare), mix),
    )
    .counted(move || reader.text());
    vec![tower_otel, instrumentation]
}

/// The layer can only use the global meter, so each variant sets it just before it builds its
/// layer. Layers built earlier keep their meter.
pub(crate) fn instrumentation() -> (LayerBuilder, Reader) {
    let (provider, reader) = provider();
    opentelemetry::global::set_meter_provider(provider);
    (LayerBuilder::builder(), reader)
}

/// Creates a meter of a new SDK, with a reader that collects on demand only.
pub(crate) fn meter() -> (Meter, Reader) {
    let (provider, reader) = provider();
    (provider.meter("bench"), reader)
}

fn provider() -> (SdkMeterProvider, Reader) {
    // Instruments stop counting when the provider is dropped, so keep it until the process ends.
    static PROVIDERS: OnceLock<std::sync::Mutex<Vec<SdkMeterProvider>>> = OnceLock::new();
    let reader = Reader(Arc::new(ManualReader::builder().build()));
    let provider = SdkMeterProvider::builder().with_reader(reader.clone()).build();
    PROVIDERS.get_or_init(Default::default).lock().expect("not poisoned").push(provider.clone());
    (provider, reader)
}

/// A reader that can be shared.
#[derive(Clone, Debug)]
pub(crate) struct Reader(Arc<ManualReader>);

impl MetricReader for Reader {
    fn register_pipeline(&self, pipeline: Weak<Pipeline>) {
        self.0.register_pipeline(pipeline);
    }
    fn collect(&self, metrics: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.collect(metrics)
    }
    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }
    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }
    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        self.0.temporality(kind)
    }
}

impl Reader {
    /// Collects the metrics.
    pub(crate) fn collected(&self) -> ResourceMetrics {
        let mut metrics = ResourceMetrics::default();
        self.0.collect(&mut metrics).expect("the provider lives");
        metrics
    }

    /// Returns the count of each histogram, one per line.
    pub(super) fn text(&self) -> String {
        let metrics = self.collected();
        let mut lines = Vec::new();
        for metric in metrics.scope_metrics().flat_map(ScopeMetrics::metrics) {
            if let AggregatedMetrics::F64(MetricData::Histogram(histogram)) = metric.data() {
                for point in histogram.data_points() {
                    lines.push(format!("{} {}", metric.name(), point.count()));
                }
            }
        }
        lines.join("\n")
    }
}
