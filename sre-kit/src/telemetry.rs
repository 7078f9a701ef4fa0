//! Traces, logs and metrics over OTLP, joined by one trace context.
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
//! With these lines
//!
//! - the layer of the kit starts a server span per sampled request, with the same duration as the
//!   latency histogram,
//! - the latency histogram has the spans as exemplars,
//! - log lines have the trace and span ids of the request that wrote them,
//! - [`Telemetry::register`] is called: `/metrics` counts exported, failed and dropped items,
//! - graceful shutdown flushes traces, logs and metrics within its budget.
//!
//! Without the kit, do the same with
//! [`GoldenSignalsBuilder::telemetry`](crate::golden_signals::GoldenSignalsBuilder::telemetry),
//! [`Telemetry::register`] and [`Telemetry::shutdown`].
//!
//! # Sampling
//!
//! The sampling decision depends on the trace id and on the caller only, so it is made before a
//! span is built; see [`Sampler`]. An unsampled request allocates nothing for its trace. Its
//! context is still propagated, and its log lines still have its trace id. Spans of `tracing`
//! inside of it are not built either.
//!
//! # Propagation
//!
//! The context of a request is current while its future and its body are polled:
//! [`TraceContext::current`] returns it. A task that a request spawns needs [`TraceExt`]; an
//! outbound request needs [`HttpClient`] or [`Telemetry::inject`]:
//!
//! ```
//! use sre_kit::telemetry::{TraceContext, TraceExt};
//!
//! # async fn send_receipt() {}
//! # async fn handler() {
//! tokio::spawn(async { send_receipt().await }.in_current_trace());
//! # }
//! ```
//!
//! # Environment variables
//!
//! [`Telemetry::from_env`] and [`Telemetry::builder_from_env`] read the variables of the
//! OpenTelemetry specification. These are set most often; [`sre_kit_telemetry`] lists all of them
//! with their defaults. A malformed `OTEL_*` value is ignored with a warning that names the
//! variable and the rule; `SRE_KIT_STRICT_ENV=true` makes it an error.
//!
//! | Variable | Values | Default |
//! |---|---|---|
//! | `OTEL_EXPORTER_OTLP_ENDPOINT` | a URL, such as `http://collector:4317` | no traces are exported |
//! | `OTEL_EXPORTER_OTLP_PROTOCOL` | `grpc`, `http/protobuf` | `http/protobuf` |
//! | `OTEL_LOGS_EXPORTER`, `OTEL_METRICS_EXPORTER` | a list of `otlp`, `none` | `none`: log lines are written and `/metrics` is scraped |
//! | `OTEL_TRACES_SAMPLER`, `OTEL_TRACES_SAMPLER_ARG` | such as `parentbased_traceidratio`, `0.05` | `parentbased_always_on` |
//! | `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES` | text; `key=value,...` | name, version and revision of the build |
//! | `RUST_LOG` | directives, such as `info,my_crate=debug` | `info`, and `warn` for transports |
//! | `SRE_KIT_LOG_FORMAT` | `json`, `text` | `text` on a terminal, else `json` |
//! | `GOOGLE_CLOUD_PROJECT` | a project id | log lines have no link to Cloud Trace |
//!
//! # Backpressure and loss
//!
//! Telemetry never delays a request. Queues are bounded, and an item that finds its queue full is
//! dropped and counted. A failing collector is logged at once, then once a minute, and when it
//! recovers. [`FlushReport`] says whether the final flush exported everything.

#[doc(inline)]
pub use sre_kit_telemetry::{
    FlushReport, FlushStatus, HttpClient, HttpClientFuture, HttpClientLayer, HttpClientService,
    LogFormat, LogLevel, Protocol, Sampler, Sensitive, SpanId, Telemetry, TelemetryBuilder,
    TraceContext, TraceExt, TraceId, Traced, Traceparent,
};
