//! The `tracing` subscriber: layers for log lines, traces and exported logs, each with its own
//! filter.

use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::trace::SdkTracer;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Dispatch, Metadata};
use tracing_subscriber::filter::{FilterExt, Targets};
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::{Context, Filter, SubscriberExt};
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

use super::json::JsonFormat;
use super::log_format::LogFormat;
use super::log_level::{self, LogLevel};
use crate::context::TraceContext;
use sre_kit_core::ConfigError;

/// The settings of log lines.
pub(crate) struct LineSettings {
    pub(crate) format: LogFormat,
    pub(crate) color: bool,
    pub(crate) directives: String,
    pub(crate) project: Option<String>,
    pub(crate) writer: BoxMakeWriter,
}

/// The crates that transport telemetry to a collector. Exporting what they log below WARN would
/// make them log again.
const TRANSPORT: [&str; 8] =
    ["h2", "hyper", "hyper_util", "opentelemetry", "reqwest", "rustls", "tonic", "tower"];

/// Builds the subscriber, and the handle that changes its log level.
pub(crate) fn dispatch(
    lines: LineSettings,
    span_filter: Targets,
    tracer: Option<&SdkTracer>,
    logs: Option<&SdkLoggerProvider>,
) -> Result<(Dispatch, LogLevel), ConfigError> {
    let LineSettings { format, color, directives, project, writer } = lines;
    let mut handles = Vec::new();
    let mut filter = || -> Result<reload::Layer<EnvFilter, Registry>, ConfigError> {
        let (filter, handle) = reload::Layer::new(log_level::parse("log level", &directives)?);
        handles.push(handle);
        Ok(filter)
    };
    let mut layers = Vec::new();
    layers.push(match format {
        LogFormat::Json => fmt::layer()
            .fmt_fields(JsonFields::new())
            .event_format(JsonFormat { project })
            .with_writer(writer)
            .with_filter(filter()?)
            .boxed(),
        LogFormat::Text => {
            fmt::layer().with_ansi(color).with_writer(writer).with_filter(filter()?).boxed()
        }
    });
    if let Some(tracer) = tracer {
        let spans = tracing_opentelemetry::layer().with_tracer(tracer.clone());
        layers.push(spans.with_filter(SampledOnly { spans: span_filter }).boxed());
    }
    if let Some(logs) = logs {
        let quiet = Targets::new()
            .with_default(LevelFilter::TRACE)
            .with_targets(TRANSPORT.map(|name| (name, LevelFilter::WARN)));
        let bridge = OpenTelemetryTracingBridge::new(logs);
        layers.push(bridge.with_filter(filter()?.and(quiet)).boxed());
    }
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(layers));
    Ok((dispatch, LogLevel::new(handles, directives)))
}

/// A filter that disables spans and events inside of an unsampled request.
///
/// Such spans would be dropped at their end, after having cost nearly as much as recorded ones.
struct SampledOnly {
    spans: Targets,
}

impl<S> Filter<S> for SampledOnly {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        self.spans.would_enable(metadata.target(), metadata.level())
            && TraceContext::current().is_none_or(|trace| trace.is_sampled())
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        // The result depends on the request, so it cannot be cached per call site.
        if self.spans.would_enable(metadata.target(), metadata.level()) {
            Interest::sometimes()
        } else {
            Interest::never()
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Filter::<S>::max_level_hint(&self.spans)
    }
}
