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
//! | Write log lines, change the log level, keep values out of them | [`LogFormat`], [`LogLevel`], [`Sensitive`] |
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
//! [`Telemetry::from_env`] and [`Telemetry::builder_from_env`] read these variables. An empty
//! variable is the same as one that is not set. `X` is `TRACES`, `METRICS` or `LOGS`: a variable
//! with `X` applies to that signal, and takes precedence over the one without it, which applies to
//! all three.
//!
//! | Variable | Values | Default |
//! |---|---|---|
//! | `OTEL_SDK_DISABLED` | `true`, `false` | `false` |
//! | `OTEL_TRACES_EXPORTER` | a list of `otlp`, `none` | `otlp` if an endpoint is set, else `none` |
//! | `OTEL_LOGS_EXPORTER` | a list of `otlp`, `none` | `none`; log lines are written in any case |
//! | `OTEL_METRICS_EXPORTER` | a list of `otlp`, `prometheus`, `none` | `none`; `/metrics` can be scraped in any case |
//! | `OTEL_EXPORTER_OTLP[_X]_ENDPOINT` | a URL; with gRPC also `host:port` | `http://localhost:4318`, with port 4317 for gRPC |
//! | `OTEL_EXPORTER_OTLP[_X]_INSECURE` | `true`, `false`: whether gRPC to an endpoint without a scheme is not encrypted | `false` |
//! | `OTEL_EXPORTER_OTLP[_X]_PROTOCOL` | `grpc`, `http/protobuf` | `http/protobuf` |
//! | `OTEL_EXPORTER_OTLP[_X]_TIMEOUT` | milliseconds; 0 is no limit | 10 000 |
//! | `OTEL_EXPORTER_OTLP[_X]_HEADERS` | `name=value,...`, values percent-encoded | none |
//! | `OTEL_EXPORTER_OTLP[_X]_COMPRESSION` | `gzip`, `none` | `none` |
//! | `OTEL_EXPORTER_OTLP[_X]_CERTIFICATE` | a PEM file with authorities | the system's authorities alone |
//! | `OTEL_EXPORTER_OTLP[_X]_CLIENT_{CERTIFICATE,KEY}` | PEM files | no client certificate |
//! | `OTEL_TRACES_SAMPLER`, `OTEL_TRACES_SAMPLER_ARG` | the six of [`Sampler`], a ratio | `parentbased_always_on`, 1 |
//! | `OTEL_PROPAGATORS` | a list of `tracecontext`, `baggage`, `none` | `tracecontext,baggage` |
//! | `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES` | text; `key=value,...` | name, version and revision of the build |
//! | `OTEL_BSP_SCHEDULE_DELAY`, `OTEL_BLRP_SCHEDULE_DELAY` | milliseconds; less than 10 counts as 10 | 5 000 for spans, 1 000 for log records |
//! | `OTEL_{BSP,BLRP}_MAX_QUEUE_SIZE` | items, from 1 to 262 144 | 2 048 |
//! | `OTEL_{BSP,BLRP}_MAX_EXPORT_BATCH_SIZE` | items, from 1 to the size of the queue | 512 |
//! | `OTEL_{BSP,BLRP}_EXPORT_TIMEOUT` | milliseconds; 0 is no limit | 30 000 |
//! | `OTEL_METRIC_EXPORT_INTERVAL` | milliseconds, at least 1 | 60 000 |
//! | `OTEL_METRIC_EXPORT_TIMEOUT` | milliseconds; 0 is no limit | 30 000 |
//! | `OTEL_SPAN_{EVENT,LINK}_COUNT_LIMIT` | a number, possibly 0 | 128 |
//! | `OTEL_ATTRIBUTE_COUNT_LIMIT` | a number, possibly 0: the attributes of a span, of its events and of its links | 128 |
//! | `OTEL_{SPAN,EVENT,LINK}_ATTRIBUTE_COUNT_LIMIT` | a number, possibly 0, instead of the former for one of them | the former |
//! | `OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT` | bytes; longer texts of attributes are cut | 256 for spans, 4 096 for log records |
//! | `OTEL_{SPAN,LOGRECORD}_ATTRIBUTE_VALUE_LENGTH_LIMIT` | bytes, instead of the former for one signal | the former |
//! | `RUST_LOG` | directives, such as `info,my_crate=debug` | `OTEL_LOG_LEVEL` |
//! | `OTEL_LOG_LEVEL` | `trace`, `debug`, `info`, `warn`, `error`, `none` | `info`, and `warn` for transports |
//! | `SRE_KIT_STRICT_ENV` | `true`, `false`: whether a malformed `OTEL_*` value is an error | `false` |
//! | `SRE_KIT_LOG_FORMAT` | `json`, `text` | `text` on a terminal, else `json` |
//! | `GOOGLE_CLOUD_PROJECT` | a project id | log lines have no link to Cloud Trace |
//! | `POD_NAME`, `POD_NAMESPACE`, `POD_UID`, `NODE_NAME`, `CONTAINER_NAME`, `DEPLOYMENT_NAME`, `CLUSTER_NAME` | values from the downward API, read only in Kubernetes (where `KUBERNETES_SERVICE_HOST` is set) | no `k8s.*` attributes |
//!
//! ## Resource
//!
//! Spans, log records and pushed metrics have these resource attributes. A value from the
//! environment replaces them, and [`TelemetryBuilder::resource_attribute`] replaces both.
//!
//! | Attribute | Value |
//! |---|---|
//! | `service.name`, `service.version`, `vcs.ref.head.revision`, `process.runtime.version` | [`TelemetryBuilder::build_info`]; without it only `service.name`, as `unknown_service:{program}` |
//! | `service.instance.id` | in Kubernetes a UUID of the pod's uid (or of its namespace and name) and of the container; elsewhere a random UUID |
//! | `k8s.*` | the downward API, in Kubernetes only |
//! | `process.pid`, `process.executable.name`, `process.runtime.name` | the process |
//! | `telemetry.sdk.*`, `telemetry.distro.*` | OpenTelemetry's SDK, and this crate |
//!
//! Their schema is that of the semantic conventions 1.44.0.
//!
//! ## Malformed values
//!
//! Variables `OTEL_*` often apply to a whole cluster, so no value of them ends a process. A
//! malformed one is logged once as a warning, with the variable, the value, the rule and the effect:
//!
//! | Kind of value | Malformed | Effect |
//! |---|---|---|
//! | boolean | neither `true` nor `false`, in any case | `false` |
//! | one of several words, in any case | an unknown word | as if the variable were not set |
//! | list of words | an unknown word | this word is left out; a list of unknown words only is as if not set |
//! | number, duration | no whole number, or out of its range | the default |
//! | headers, `OTEL_RESOURCE_ATTRIBUTES` | one malformed pair | the whole list is discarded |
//! | `OTEL_TRACES_SAMPLER_ARG` | no number from 0 to 1; it is read only with a sampler that has a ratio | 1 |
//! | endpoint, TLS file | no URL, a user in the URL, a file that cannot be read | the signal is not exported: never to another place, and never with less trust |
//!
//! With `SRE_KIT_STRICT_ENV=true`, each of these is an error that names the variable and the rule.
//! `SRE_KIT_*`, `RUST_LOG` and settings in code are always checked strictly.
//!
//! # Backpressure and loss
//!
//! Telemetry never delays a request. Queues are bounded, and an item that finds its queue full is
//! dropped. So is one that the collector rejects from a batch that it takes otherwise
//! (`partial_success`). [`Telemetry::register`] adds metrics that count exported, failed and dropped
//! items. A batch that may succeed later is sent again, up to three times within its timeout. A
//! failing collector is logged at once, then once a minute, and when it recovers. The final flush
//! keeps within its budget on every runtime; [`FlushReport`] says whether everything was exported.
//!
//! # Features
//!
//! | Feature | Adds |
//! |---|---|
//! | `otlp` | The export over OTLP, by gRPC and HTTP. Without it, log lines, trace contexts and your own [exporters](TelemetryBuilder::span_exporter) work, and a variable that configures OTLP is ignored with a warning that names this feature. |
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
//! A build without a provider rejects an `https:` endpoint with an error, or for one from the
//! environment a warning, that names these features.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod builder;
mod client;
mod context;
mod export;
mod flush;
mod ignored;
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
pub use logs::sensitive::Sensitive;
pub use sampler::Sampler;
pub use settings::protocol::Protocol;
pub use telemetry::Telemetry;
