//! What listens to events and spans: the log lines, the traces, the logs that are
//! exported. Each has a filter of its own.

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

use super::json::Json;
use super::level::{self, LogLevel};
use crate::builder::LogFormat;
use crate::context::TraceContext;
use sre_kit_core::ConfigError;

/// How log lines are written.
pub(crate) struct Lines {
    pub(crate) format: LogFormat,
    pub(crate) color: bool,
    pub(crate) directives: String,
    pub(crate) project: Option<String>,
    pub(crate) writer: BoxMakeWriter,
}

/// Crates that carry telemetry to a collector. What they log at their finer levels
/// would be made anew by each export of it.
const TRANSPORT: [&str; 8] =
    ["h2", "hyper", "hyper_util", "opentelemetry", "reqwest", "rustls", "tonic", "tower"];

/// Puts the parts together.
pub(crate) fn dispatch(
    lines: Lines,
    span_filter: Targets,
    tracer: Option<&SdkTracer>,
    logs: Option<&SdkLoggerProvider>,
) -> Result<(Dispatch, LogLevel), ConfigError> {
    let Lines { format, color, directives, project, writer } = lines;
    let mut handles = Vec::new();
    let mut filter = || -> Result<reload::Layer<EnvFilter, Registry>, ConfigError> {
        let (filter, handle) = reload::Layer::new(level::parse("log level", &directives)?);
        handles.push(handle);
        Ok(filter)
    };
    let mut layers = Vec::new();
    layers.push(match format {
        LogFormat::Json => fmt::layer()
            .fmt_fields(JsonFields::new())
            .event_format(Json { project })
            .with_writer(writer)
            .with_filter(filter()?)
            .boxed(),
        LogFormat::Text => {
            fmt::layer().with_ansi(color).with_writer(writer).with_filter(filter()?).boxed()
        }
    });
    if let Some(tracer) = tracer {
        let spans = tracing_opentelemetry::layer().with_tracer(tracer.clone());
        layers.push(spans.with_filter(Recorded { spans: span_filter }).boxed());
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

/// Lets spans and events through to the traces unless they belong to a request
/// that is not sampled: what is built for those is thrown away at its end, and
/// costs nearly as much as what is kept.
struct Recorded {
    spans: Targets,
}

impl<S> Filter<S> for Recorded {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        self.spans.would_enable(metadata.target(), metadata.level())
            && TraceContext::current().is_none_or(|trace| trace.is_sampled())
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        // It depends on the request, so it is asked each time.
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
