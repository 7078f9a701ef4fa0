//! Traces, logs and metrics over OTLP, joined by one trace context.
//!
//! [`Telemetry`] sets up OpenTelemetry from the environment:
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use sre_kit_telemetry::Telemetry;
//!
//! # fn main() -> Result<(), sre_kit_telemetry::ConfigError> {
//! let build = sre_kit_metrics::build_info!();
//! let telemetry = Telemetry::builder_from_env()?.build_info(&build).build()?;
//! telemetry.install()?;
//! // ... at the end of `main`:
//! let report = telemetry.shutdown_blocking(Duration::from_secs(3));
//! assert!(report.is_complete(), "{report}");
//! # Ok(())
//! # }
//! ```
//!
//! The crate works alone. In a service, [`sre-kit`](https://docs.rs/sre-kit) starts a server span
//! per sampled request, adds exemplars to its latency histogram, and flushes during graceful
//! shutdown.
//!
//! # Parts
//!
//! | Task | Item |
//! |---|---|
//! | Set up, install, flush | [`Telemetry`], [`TelemetryBuilder`], [`FlushReport`] |
//! | Choose which traces are recorded | [`Sampler`] |
//! | Read and propagate the trace context | [`TraceContext`], [`TraceExt`], [`Telemetry::inject`] |
//! | Record outbound HTTP requests | [`HttpClient`] |
//! | Write log lines, change the log level | [`LogFormat`], [`LogLevel`] |
//!
//! # Sampling
//!
//! The sampling decision depends on the trace id and on the caller only, so it is made before a
//! span is built. An unsampled request allocates nothing for its trace. Its context is still
//! propagated, and its log lines still have its trace id. Spans of `tracing` inside of it are not
//! built either.
//!
//! # Propagation
//!
//! The context of a request is a thread-local value that is set while the request is polled.
//! [`TraceExt`] carries it into a spawned task; [`HttpClient`] and [`Telemetry::inject`] add it to
//! the headers of outbound requests.
//!
//! # Environment variables
//!
//! [`Telemetry::from_env`] and [`Telemetry::builder_from_env`] read these variables. A malformed
//! value is an error that names the variable and the rule. `X` is `TRACES`, `METRICS` or `LOGS`: a
//! variable with `X` applies to that signal, and takes precedence over the one without it, which
//! applies to all three.
//!
//! | Variable | Values | Default |
//! |---|---|---|
//! | `OTEL_SDK_DISABLED` | `true`, `false` | `false` |
//! | `OTEL_TRACES_EXPORTER` | `otlp`, `none` | `otlp` if an endpoint is set, else `none` |
//! | `OTEL_LOGS_EXPORTER` | `otlp`, `none` | `none`; log lines are written in any case |
//! | `OTEL_METRICS_EXPORTER` | `otlp`, `prometheus`, `none` | `none`; `/metrics` can be scraped in any case |
//! | `OTEL_EXPORTER_OTLP[_X]_ENDPOINT` | a URL | `http://localhost:4318`, with port 4317 for gRPC |
//! | `OTEL_EXPORTER_OTLP[_X]_PROTOCOL` | `grpc`, `http/protobuf` | `http/protobuf` |
//! | `OTEL_EXPORTER_OTLP[_X]_TIMEOUT` | milliseconds | 10 000 |
//! | `OTEL_EXPORTER_OTLP[_X]_HEADERS` | `name=value,...`, values percent-encoded | none |
//! | `OTEL_EXPORTER_OTLP[_X]_COMPRESSION` | `gzip`, `none` | `none` |
//! | `OTEL_EXPORTER_OTLP[_X]_CERTIFICATE`, `_CLIENT_CERTIFICATE`, `_CLIENT_KEY` | PEM files | the system's authorities, no client certificate |
//! | `OTEL_TRACES_SAMPLER`, `OTEL_TRACES_SAMPLER_ARG` | the six of [`Sampler`], a ratio | `parentbased_always_on`, 1 |
//! | `OTEL_PROPAGATORS` | `tracecontext`, `baggage`, `none` | `tracecontext,baggage` |
//! | `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES` | text; `key=value,...` | name, version and revision of the build |
//! | `OTEL_BSP_SCHEDULE_DELAY`, `OTEL_BLRP_SCHEDULE_DELAY` | milliseconds | 5 000 for spans, 1 000 for log records |
//! | `OTEL_{BSP,BLRP}_MAX_QUEUE_SIZE` | items | 2 048 |
//! | `OTEL_{BSP,BLRP}_MAX_EXPORT_BATCH_SIZE` | items | 512 |
//! | `OTEL_{BSP,BLRP}_EXPORT_TIMEOUT` | milliseconds | 30 000 |
//! | `OTEL_METRIC_EXPORT_INTERVAL`, `OTEL_METRIC_EXPORT_TIMEOUT` | milliseconds | 60 000, 30 000 |
//! | `OTEL_SPAN_{ATTRIBUTE,EVENT,LINK}_COUNT_LIMIT` | a number | 128 |
//! | `OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT` | bytes; longer texts of attributes are cut | 256 for spans, 4 096 for log records |
//! | `OTEL_{SPAN,LOGRECORD}_ATTRIBUTE_VALUE_LENGTH_LIMIT` | bytes, instead of the former for one signal | the former |
//! | `RUST_LOG`, or `OTEL_LOG_LEVEL` | directives, or a level | `info`, and `warn` for transports |
//! | `SRE_KIT_LOG_FORMAT` | `json`, `text` | `text` on a terminal, else `json` |
//! | `GOOGLE_CLOUD_PROJECT` | a project id | log lines have no link to Cloud Trace |
//! | `POD_NAME`, `POD_NAMESPACE`, `POD_UID`, `NODE_NAME`, `CONTAINER_NAME`, `DEPLOYMENT_NAME`, `CLUSTER_NAME` | values from the downward API, read only in Kubernetes (where `KUBERNETES_SERVICE_HOST` is set) | no `k8s.*` attributes |
//!
//! # Backpressure and loss
//!
//! Telemetry never delays a request. Queues are bounded, and an item that finds its queue full is
//! dropped. [`Telemetry::register`] adds metrics that count exported, failed and dropped items. A
//! failing collector is logged at once, then once a minute, and when it recovers. The final flush
//! keeps within its budget on every runtime; [`FlushReport`] says whether everything was exported.
//!
//! # Features
//!
//! | Feature | Adds |
//! |---|---|
//! | `otlp` | The export over OTLP, by gRPC and HTTP. Without it, log lines, trace contexts and your own [exporters](TelemetryBuilder::span_exporter) work, and a variable that configures OTLP is an error that names this feature. |
//! | `aws-lc-rs`, `ring`, `tls` | `https:` endpoints, see [TLS](#tls). |
//!
//! None is on by default.
//!
//! # TLS
//!
//! An `https:` endpoint needs a provider of cryptography for rustls, which is your choice as in
//! rustls itself. None is on by default.
//!
//! | Feature | Provider |
//! |---|---|
//! | `aws-lc-rs` | aws-lc-rs. If both features are on, this one is used. |
//! | `ring` | ring, which builds faster. |
//! | `tls` | The one that the program installs with `CryptoProvider::install_default`. An installed provider is used in any case. |
//!
//! A build without a provider rejects an `https:` endpoint with an error that names these features.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod builder;
mod client;
mod context;
mod export;
mod flush;
mod logs;
mod resource;
mod sampler;
mod settings;
mod telemetry;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;
mod traces;
mod vars;

#[doc(hidden)]
pub mod internal;

pub use sre_kit_core::ConfigError;

pub use builder::TelemetryBuilder;
pub use client::{HttpClient, HttpClientFuture, HttpClientLayer, HttpClientService};
pub use context::{SpanId, TraceContext, TraceExt, TraceId, Traced, Traceparent};
pub use flush::{FlushReport, FlushStatus};
pub use logs::log_format::LogFormat;
pub use logs::log_level::LogLevel;
pub use sampler::Sampler;
pub use settings::protocol::Protocol;
pub use telemetry::Telemetry;
