//! The builder of [`Telemetry`]: settings from the environment and from code.

use std::fmt;
use std::io::{IsTerminal, stderr};
use std::sync::{Arc, Mutex};

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::logs::{LogExporter, SdkLoggerProvider};
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanExporter};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

use crate::export::grpc_runtime::GrpcRuntime;
use crate::export::logs;
#[cfg(feature = "otlp")]
use crate::export::otlp;
use crate::export::signal_counts::SignalCounts;
use crate::export::tracer_provider::provider;
#[cfg(feature = "testing")]
use crate::export::tracer_provider::provider_of;
use crate::flush::ShutdownHooks;
use crate::ignored::Ignored;
use crate::logs::log_format::LogFormat;
use crate::logs::log_level;
use crate::logs::subscriber::{LineSettings, dispatch};
use crate::sampler::Sampler;
use crate::settings::Settings;
use crate::settings::otlp::OtlpSettings;
use crate::settings::protocol::Protocol;
use crate::settings::signal::Signal;
use crate::telemetry::{Inner, Pipelines, Telemetry};
use crate::traces::client::ClientTraces;
use crate::traces::server::ServerTraces;
use crate::vars::Vars;
use sre_kit_core::ConfigError;
use sre_kit_metrics::BuildInfo;

type MakeTracerProvider = Box<dyn FnOnce(&Settings, &Arc<SignalCounts>) -> SdkTracerProvider>;
type MakeLoggerProvider = Box<dyn FnOnce(&Settings, &Arc<SignalCounts>) -> SdkLoggerProvider>;

/// The spans that are recorded by default: those at INFO, except for the transports, which open a
/// span per frame or packet.
const DEFAULT_SPANS: &str =
    "info,hyper=warn,h2=warn,tower=warn,tonic=warn,reqwest=warn,rustls=warn";

impl Telemetry {
    /// Builds telemetry from the environment variables that the [crate](crate) lists.
    ///
    /// Without any of them nothing is exported; trace contexts are propagated and log lines are
    /// written. A malformed `OTEL_*` variable is ignored with a warning, see
    /// [malformed values](crate#malformed-values).
    ///
    /// # Errors
    ///
    /// Returns the errors of [`builder_from_env`](Self::builder_from_env) and
    /// [`TelemetryBuilder::build`].
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::builder_from_env()?.build()
    }

    /// Creates a builder that ignores the environment.
    #[allow(clippy::missing_panics_doc, reason = "the defaults are valid")]
    pub fn builder() -> TelemetryBuilder {
        TelemetryBuilder::from_vars(&|_| None).expect("the defaults are valid")
    }

    /// Creates a builder from the environment.
    ///
    /// # Errors
    ///
    /// Returns an error if
    /// - `RUST_LOG` or a variable `SRE_KIT_*` is malformed, or
    /// - `SRE_KIT_STRICT_ENV` is `true` and a variable `OTEL_*` is malformed.
    pub fn builder_from_env() -> Result<TelemetryBuilder, ConfigError> {
        Self::builder_from_vars(|name| std::env::var(name).ok())
    }

    /// Creates a builder from variables that `lookup` returns by name, for tests.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`builder_from_env`](Self::builder_from_env).
    pub fn builder_from_vars(
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<TelemetryBuilder, ConfigError> {
        TelemetryBuilder::from_vars(&lookup)
    }
}

/// A builder of [`Telemetry`].
#[must_use = "nothing is collected before `build`"]
pub struct TelemetryBuilder {
    settings: Settings,
    ignored: Vec<Ignored>,
    directives: String,
    span_directives: String,
    format: LogFormat,
    color: bool,
    writer: BoxMakeWriter,
    project: Option<String>,
    traces: Option<MakeTracerProvider>,
    logs: Option<MakeLoggerProvider>,
}

impl TelemetryBuilder {
    fn from_vars(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let vars = Vars::new(lookup).with_strictness()?;
        let format = vars.word(&["SRE_KIT_LOG_FORMAT".to_owned()], &LogFormat::NAMES)?;
        let color = stderr().is_terminal();
        let default = if color { LogFormat::Text } else { LogFormat::Json };
        Ok(Self {
            settings: Settings::from_vars(&vars)?,
            directives: log_level::directives(&vars)?,
            span_directives: DEFAULT_SPANS.to_owned(),
            format: format.unwrap_or(default),
            color,
            writer: BoxMakeWriter::new(stderr),
            project: vars.get("GOOGLE_CLOUD_PROJECT"),
            traces: None,
            logs: None,
            ignored: vars.into_ignored(),
        })
    }

    /// Sets the name, version and revision of the service and the version of its compiler, unless the
    /// environment sets them.
    pub fn build_info(mut self, build: &BuildInfo) -> Self {
        let resource = &mut self.settings.resource;
        resource.set_default("service.name", build.service().to_owned());
        resource.set_default("service.version", build.version().to_owned());
        if let Some(revision) = build.revision() {
            resource.set_default("vcs.ref.head.revision", revision.to_owned());
        }
        if let Some(rustc) = build.rustc() {
            resource.set_default("process.runtime.version", rustc.to_owned());
        }
        self
    }

    /// Sets a resource attribute. Replaces the value from the environment.
    pub fn resource_attribute(mut self, key: &str, value: impl Into<String>) -> Self {
        self.settings.resource.set(key, value.into());
        self
    }

    /// Sets which traces are sampled. Defaults to [`Sampler::default`].
    pub fn sampler(mut self, sampler: Sampler) -> Self {
        self.settings.sampler = sampler;
        self
    }

    /// Exports traces over OTLP to `endpoint`, a URL without a path.
    ///
    /// # Errors
    ///
    /// Returns an error if `endpoint`
    /// - is not a URL with the scheme `http` or `https`, or
    /// - contains a user or a password.
    pub fn otlp_traces(mut self, protocol: Protocol, endpoint: &str) -> Result<Self, ConfigError> {
        self.settings.traces = Some(OtlpSettings::new(Signal::Traces, protocol, endpoint)?);
        Ok(self)
    }

    /// Exports log records over OTLP, in addition to the log lines.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`otlp_traces`](Self::otlp_traces).
    pub fn otlp_logs(mut self, protocol: Protocol, endpoint: &str) -> Result<Self, ConfigError> {
        self.settings.logs = Some(OtlpSettings::new(Signal::Logs, protocol, endpoint)?);
        Ok(self)
    }

    /// Pushes metrics over OTLP, for a collector that does not scrape. See
    /// [`Telemetry::register`].
    ///
    /// # Errors
    ///
    /// Returns the errors of [`otlp_traces`](Self::otlp_traces).
    pub fn otlp_metrics(mut self, protocol: Protocol, endpoint: &str) -> Result<Self, ConfigError> {
        self.settings.metrics = Some(OtlpSettings::new(Signal::Metrics, protocol, endpoint)?);
        Ok(self)
    }

    /// Exports spans through `exporter` instead of OTLP, in the same batches.
    pub fn span_exporter(mut self, exporter: impl SpanExporter + 'static) -> Self {
        self.traces = Some(Box::new(move |settings, counts| provider(settings, exporter, counts)));
        self
    }

    /// Exports log records through `exporter` instead of OTLP, in the same batches.
    pub fn log_exporter(mut self, exporter: impl LogExporter + 'static) -> Self {
        self.logs =
            Some(Box::new(move |settings, counts| logs::provider(settings, exporter, counts)));
        self
    }

    /// Sets the format of log lines. Defaults to `SRE_KIT_LOG_FORMAT`; without it, to text if the
    /// standard error is a terminal, and to JSON otherwise.
    pub fn log_format(mut self, format: LogFormat) -> Self {
        self.format = format;
        self
    }

    /// Sets where log lines are written. Defaults to the standard error.
    pub fn log_writer(
        mut self,
        writer: impl for<'w> MakeWriter<'w> + Send + Sync + 'static,
    ) -> Self {
        self.writer = BoxMakeWriter::new(writer);
        self.color = false;
        self
    }

    /// Keeps the spans in `spans` as soon as they end, instead of exporting them. For tests.
    #[cfg(feature = "testing")]
    #[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
    pub fn capture_spans(mut self, spans: &crate::testing::CapturedSpans) -> Self {
        let spans = spans.clone();
        self.traces = Some(Box::new(move |settings, counts| {
            provider_of(settings, crate::testing::CapturingProcessor::new(spans, counts), counts)
        }));
        self
    }

    /// Sets which spans of `tracing` become spans of a trace, as directives like
    /// `info,my_crate=debug`. Defaults to those at INFO and above. The log level does not affect
    /// spans.
    pub fn spans(mut self, directives: impl Into<String>) -> Self {
        self.span_directives = directives.into();
        self
    }

    /// Builds the telemetry and starts its export. It changes nothing global: see
    /// [`Telemetry::install`].
    ///
    /// # Errors
    ///
    /// Returns an error if
    /// - the directives for spans are malformed,
    /// - an exporter cannot be set up, or the feature `otlp` is off and one is configured; if the
    ///   environment configures it, that is an error only with `SRE_KIT_STRICT_ENV=true`, and
    ///   otherwise a warning, or
    /// - a thread cannot be started.
    pub fn build(self) -> Result<Telemetry, ConfigError> {
        let Self { mut settings, mut ignored, directives, format, color, writer, project, .. } =
            self;
        settings.resource.detect();
        let spans: Targets = self.span_directives.parse().map_err(|error| {
            ConfigError::new(
                "spans",
                &self.span_directives,
                format!("it is a list of targets and levels: {error}"),
                "write it like `info,my_crate=debug`",
            )
        })?;
        let (mut traces, mut logs) = (self.traces, self.logs);
        if settings.disabled {
            (settings.traces, settings.metrics, settings.logs) = (None, None, None);
            (traces, logs) = (None, None);
        }
        #[cfg(not(feature = "otlp"))]
        settings.disable_otlp(&mut ignored)?;
        let needs_grpc = [&settings.traces, &settings.metrics, &settings.logs]
            .into_iter()
            .flatten()
            .any(OtlpSettings::is_grpc);
        let grpc = needs_grpc.then(GrpcRuntime::start).transpose()?;
        #[cfg(feature = "otlp")]
        let handle = grpc.as_ref().and_then(GrpcRuntime::handle);

        #[cfg(feature = "otlp")]
        if let (None, Some(otlp)) = (&traces, &settings.traces) {
            match otlp::connect(otlp, handle) {
                Ok(connection) => {
                    traces = Some(Box::new(move |settings, counts| {
                        provider(settings, connection.exporter(counts), counts)
                    }));
                }
                Err(error) => otlp.not_exported(Signal::Traces, error, &mut ignored)?,
            }
        }
        #[cfg(feature = "otlp")]
        if let (None, Some(otlp)) = (&logs, &settings.logs) {
            match otlp::connect(otlp, handle) {
                Ok(connection) => {
                    logs = Some(Box::new(move |settings, counts| {
                        logs::provider(settings, connection.exporter(counts), counts)
                    }));
                }
                Err(error) => otlp.not_exported(Signal::Logs, error, &mut ignored)?,
            }
        }
        let (mut hooks, mut signals): (ShutdownHooks, Vec<_>) = Default::default();
        let tracer_provider = traces.map(|make| {
            let counts = Arc::new(SignalCounts::new("traces", settings.spans.max_queue as usize));
            signals.push(Arc::clone(&counts));
            make(&settings, &counts)
        });
        if let Some(provider) = tracer_provider.clone() {
            hooks.push(("traces", Box::new(move |budget| provider.shutdown_with_timeout(budget))));
        }
        let logger_provider = logs.map(|make| {
            let counts = Arc::new(SignalCounts::new("logs", settings.records.max_queue as usize));
            signals.push(Arc::clone(&counts));
            make(&settings, &counts)
        });
        if let Some(provider) = logger_provider.clone() {
            hooks.push(("logs", Box::new(move |budget| provider.shutdown_with_timeout(budget))));
        }

        let tracer = tracer_provider.as_ref().map(|provider| provider.tracer("sre-kit"));
        let lines = LineSettings { format, color, directives, project, writer };
        let (dispatch, level) = dispatch(lines, spans, tracer.as_ref(), logger_provider.as_ref())?;
        tracing::dispatcher::with_default(&dispatch, || ignored.iter().for_each(Ignored::warn));
        let (sampler, propagators) = (settings.sampler, settings.propagators);
        let client = ClientTraces { tracer: tracer.clone(), sampler, propagators };
        let server = ServerTraces::new(tracer, sampler, propagators);
        Ok(Telemetry::new(Inner {
            settings,
            server,
            client,
            tracer_provider,
            dispatch,
            level,
            signals,
            pipelines: Mutex::new(Pipelines { hooks, keep_metrics: Vec::new(), grpc }),
        }))
    }
}

impl fmt::Debug for TelemetryBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TelemetryBuilder").field("settings", &self.settings).finish_non_exhaustive()
    }
}
