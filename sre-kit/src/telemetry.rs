//! Traces, logs and exemplars that join up, and survive a dead collector.
//!
//! ```no_run
//! use sre_kit::SreKit;
//! use sre_kit::telemetry::Telemetry;
//!
//! # fn main() -> Result<(), sre_kit::ConfigError> {
//! let build = sre_kit::build_info!();
//! let telemetry = Telemetry::builder_from_env()?.build_info(&build).build()?;
//! telemetry.install()?;
//! let kit = SreKit::builder(build).telemetry(&telemetry).with_env()?.build()?;
//! # Ok(())
//! # }
//! ```
//!
//! The kit's layer then makes a span of each sampled request, its duration histogram
//! shows spans as exemplars, log lines name the trace that they belong to, and the
//! flush is part of the way out. Without the kit: `GoldenSignalsBuilder::telemetry`,
//! [`Telemetry::register`] and [`Telemetry::shutdown`].
//!
//! # Sampling comes first
//!
//! Whether a trace is recorded depends on its id and on the caller alone, so it is
//! decided before anything of a span is built. A request that is not sampled
//! allocates nothing for its trace; its context is passed on and its log lines name
//! it all the same. Spans of `tracing` within it are not built either.
//!
//! Which trace work belongs to is kept per thread while a request is polled. What a
//! request spawns takes it along by [`TraceExt`]; a request to another service takes
//! it along by [`HttpClient`] or [`Telemetry::inject`].
//!
//! # What the environment sets
//!
//! By [`Telemetry::from_env`] and [`Telemetry::builder_from_env`]. A value that cannot
//! be used is an error that says which and why. `X` is `TRACES`, `METRICS` or `LOGS`;
//! with it a variable is for that signal, without it for all three.
//!
//! | Variable | Values | Unless set |
//! |---|---|---|
//! | `OTEL_SDK_DISABLED` | `true`, `false` | `false` |
//! | `OTEL_TRACES_EXPORTER` | `otlp`, `none` | `otlp` where an endpoint is set |
//! | `OTEL_LOGS_EXPORTER` | `otlp`, `none` | `none`: log lines are written in any case |
//! | `OTEL_METRICS_EXPORTER` | `otlp`, `prometheus`, `none` | `none`: `/metrics` is there in any case |
//! | `OTEL_EXPORTER_OTLP[_X]_ENDPOINT` | a URL | `http://localhost:4318`, or 4317 for gRPC |
//! | `OTEL_EXPORTER_OTLP[_X]_PROTOCOL` | `grpc`, `http/protobuf` | `http/protobuf` |
//! | `OTEL_EXPORTER_OTLP[_X]_TIMEOUT` | milliseconds | 10 000 |
//! | `OTEL_EXPORTER_OTLP[_X]_HEADERS` | `name=value,...` | |
//! | `OTEL_EXPORTER_OTLP[_X]_COMPRESSION` | `gzip`, `none` | `none` |
//! | `OTEL_EXPORTER_OTLP[_X]_CERTIFICATE`, `_CLIENT_CERTIFICATE`, `_CLIENT_KEY` | files in PEM | the system's authorities |
//! | `OTEL_TRACES_SAMPLER`, `OTEL_TRACES_SAMPLER_ARG` | the six of [`Sampler`] | `parentbased_always_on` |
//! | `OTEL_PROPAGATORS` | `tracecontext`, `baggage`, `none` | both |
//! | `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES` | text; `key=value,...` | the build's name and version |
//! | `OTEL_BSP_*`, `OTEL_BLRP_*` | `SCHEDULE_DELAY`, `MAX_QUEUE_SIZE`, `MAX_EXPORT_BATCH_SIZE`, `EXPORT_TIMEOUT` | 5 s or 1 s, 2 048, 512, 30 s |
//! | `OTEL_METRIC_EXPORT_INTERVAL`, `_TIMEOUT` | milliseconds | 60 000, 30 000 |
//! | `OTEL_SPAN_{ATTRIBUTE,EVENT,LINK}_COUNT_LIMIT` | a number | 128 |
//! | `RUST_LOG`, or `OTEL_LOG_LEVEL` | directives; a level | `info`, and `warn` for transports |
//! | `SRE_KIT_LOG_FORMAT` | `json`, `text` | `text` on a terminal, else `json` |
//! | `GOOGLE_CLOUD_PROJECT` | a project | lines have no link to Cloud Trace |
//! | `POD_NAME`, `POD_NAMESPACE`, `POD_UID`, `NODE_NAME`, `CONTAINER_NAME`, `DEPLOYMENT_NAME`, `CLUSTER_NAME` | from the downward API | |
//!
//! # When the collector is not there
//!
//! Queues are bounded, and what finds no room is dropped. No request waits. What
//! became of everything is counted, see [`Telemetry::register`]; the log tells that
//! a collector takes nothing at once, then once a minute, and when it does again.
//! The flush at the end keeps its budget on every runtime, and [`FlushReport`] says
//! whether everything arrived.

#[doc(inline)]
pub use sre_kit_telemetry::{
    FlushReport, FlushStatus, HttpClient, HttpClientFuture, HttpClientLayer, HttpClientService,
    LogFormat, LogLevel, Protocol, Sampler, SpanId, Telemetry, TelemetryBuilder, TraceContext,
    TraceExt, TraceId, Traced,
};
