//! Layers with traces, at three sampling rates. All use a batch processor whose exporter discards
//! the spans.

use ::sre_kit::golden_signals::{GoldenSignals, RouteSource};
use ::sre_kit::metrics::Registry;
use ::sre_kit::telemetry::Telemetry;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanData, SpanExporter};
use tower_http::trace::{DefaultMakeSpan, TraceLayer};
use tower_layer::Layer;
use tracing::{Dispatch, Level};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;

use super::service::{Bare, Call, boxed};
use super::{Group, Variant, otel, sre_kit};
use crate::request::Template;

const OURS: &str = "what sre-kit records, and the trace of each request";
const TRACE_LAYER: &str = "a span by tower-http, made one of OpenTelemetry; no metrics";
const INSTRUMENTATION: &str =
    "in flight, duration, response size, and a span; nothing of the last where it is not sampled";

/// The sampled share of the traces, and the names of the variants.
const RATES: [(f64, [&str; 3]); 3] = [
    (0.0, ["sre-kit, traces 0 %", "TraceLayer, 0 %", "instrumentation-tower, traces 0 %"]),
    (0.01, ["sre-kit, traces 1 %", "TraceLayer, 1 %", "instrumentation-tower, traces 1 %"]),
    (1.0, ["sre-kit, traces 100 %", "TraceLayer, 100 %", "instrumentation-tower, traces 100 %"]),
];

pub(super) fn variants() -> Vec<Variant> {
    RATES
        .into_iter()
        .flat_map(|(ratio, [ours, trace_layer, instrumentation])| {
            [
                self::ours(ours, ratio),
                self::trace_layer(trace_layer, ratio),
                self::instrumentation(instrumentation, ratio),
            ]
        })
        .collect()
}

fn ours(name: &'static str, ratio: f64) -> Variant {
    let sampler = ::sre_kit::telemetry::Sampler::ratio(ratio).expect("a ratio").parent_based();
    let telemetry = Telemetry::builder().sampler(sampler).span_exporter(Discard);
    let telemetry = telemetry.build().expect("valid");
    let registry = Registry::new();
    let source = RouteSource::from_fn(|head| {
        head.extensions.get::<Template>().map(|&Template(route)| route)
    });
    let signals = GoldenSignals::builder().routes(source).telemetry(&telemetry);
    let signals = signals.build(&registry).expect("valid");
    Variant::new(name, Group::Bare, OURS, move |mix| {
        let _lives = &telemetry;
        boxed(signals.layer().layer(Bare), mix)
    })
    .counted(move || sre_kit::text(&registry))
}

pub(crate) fn provider(ratio: f64) -> SdkTracerProvider {
    SdkTracerProvider::builder()
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(ratio))))
        .with_batch_exporter(Discard)
        .build()
}

fn trace_layer(name: &'static str, ratio: f64) -> Variant {
    let provider = provider(ratio);
    let traces = tracing_opentelemetry::layer().with_tracer(provider.tracer("bench"));
    let subscriber = tracing_subscriber::registry().with(LevelFilter::INFO).with(traces);
    let dispatch = Dispatch::new(subscriber);
    // INFO enables the spans of a typical service; the events of the layer are at DEBUG.
    let make = DefaultMakeSpan::new().level(Level::INFO);
    let layer = TraceLayer::new_for_http().make_span_with(make);
    Variant::new(name, Group::Bare, TRACE_LAYER, move |mix| {
        let _lives = &provider;
        let mut worker = boxed(layer.layer(Bare), mix);
        worker.subscribe(dispatch.clone());
        worker
    })
}

fn instrumentation(name: &'static str, ratio: f64) -> Variant {
    let provider = provider(ratio);
    // The layer can only use the global tracer. Earlier variants keep theirs.
    opentelemetry::global::set_tracer_provider(provider.clone());
    let (builder, reader) = otel::instrumentation();
    let layer = builder
        .with_tracing(true)
        .with_route_extractor_fn(|request: &Call| {
            request.extensions().get().map(|Template(route)| (*route).to_owned())
        })
        .build()
        .expect("valid");
    Variant::new(name, Group::Bare, INSTRUMENTATION, move |mix| {
        let _lives = &provider;
        boxed(layer.layer(Bare), mix)
    })
    .counted(move || reader.text())
}

/// An exporter that discards spans.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Discard;

impl SpanExporter for Discard {
    async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
        Ok(())
    }
}
