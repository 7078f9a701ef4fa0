//! Settings of the telemetry: the environment's, and what a program adds.

use std::fmt;
use std::io::{IsTerminal, stderr};
use std::sync::{Arc, Mutex};

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::logs::{LogExporter, SdkLoggerProvider};
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanExporter};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

use super::Telemetry;
use super::export::counts::Counts;
use super::export::worker::Worker;
use super::export::{logs, otlp};
use super::flush::Stops;
use super::handle::{Parts, Running};
use super::logs::level;
use super::logs::subscriber::{Lines, dispatch};
use super::sampler::Sampler;
use super::settings::Settings;
use super::settings::otlp::{Otlp, Protocol, Signal};
use super::settings::vars::Vars;
use super::traces::client::ClientTraces;
use super::traces::provider::provider;
use super::traces::server::ServerTraces;
use sre_kit_core::ConfigError;
use sre_kit_metrics::BuildInfo;

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogFormat {
    /// One JSON object a line, in the fields that Cloud Logging reads.
    Json,
    /// For a person at a terminal.
    Text,
}

type MakeTraces = Box<dyn FnOnce(&Settings, &Arc<Counts>) -> SdkTracerProvider>;
type MakeLogs = Box<dyn FnOnce(&Settings, &Arc<Counts>) -> SdkLoggerProvider>;

/// Spans of these are recorded: everybody's at INFO, and of what speaks for every
/// frame or packet, what it warns of.
const SPANS: &str = "info,hyper=warn,h2=warn,tower=warn,tonic=warn,reqwest=warn,rustls=warn";

/// Builds [`Telemetry`].
#[must_use = "nothing is collected before `build`"]
pub struct TelemetryBuilder {
    settings: Settings,
    directives: String,
    span_directives: String,
    format: LogFormat,
    color: bool,
    writer: BoxMakeWriter,
    project: Option<String>,
    traces: Option<MakeTraces>,
    logs: Option<MakeLogs>,
}

impl TelemetryBuilder {
    pub(super) fn from_vars(read: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let vars = Vars::new(read);
        let format = vars.word(
            &["SRE_KIT_LOG_FORMAT".to_owned()],
            &[("json", LogFormat::Json), ("text", LogFormat::Text)],
        )?;
        let color = stderr().is_terminal();
        let default = if color { LogFormat::Text } else { LogFormat::Json };
        Ok(Self {
            settings: Settings::from_vars(&vars)?,
            directives: level::directives(&vars)?,
            span_directives: SPANS.to_owned(),
            format: format.unwrap_or(default),
            color,
            writer: BoxMakeWriter::new(stderr),
            project: vars.get("GOOGLE_CLOUD_PROJECT"),
            traces: None,
            logs: None,
        })
    }

    /// Names the service and its version, where the environment does not.
    pub fn build_info(mut self, build: &BuildInfo) -> Self {
        let resource = &mut self.settings.resource;
        resource.set_default("service.name", build.service());
        resource.set_default("service.version", build.version());
        if let Some(revision) = build.revision() {
            resource.set_default("vcs.ref.head.revision", revision);
        }
        self
    }

    /// Sets an attribute of the process, in the place of what the environment says.
    pub fn resource_attribute(mut self, key: &str, value: impl Into<String>) -> Self {
        self.settings.resource.set(key, value);
        self
    }

    /// Which traces are recorded.
    pub fn sampler(mut self, sampler: Sampler) -> Self {
        self.settings.sampler = sampler;
        self
    }

    /// Sends traces over OTLP to `endpoint`, a URL without a path.
    ///
    /// # Errors
    ///
    /// When it is no URL of the scheme http or https, or holds a user.
    pub fn otlp_traces(mut self, protocol: Protocol, endpoint: &str) -> Result<Self, ConfigError> {
        self.settings.traces = Some(Otlp::new(Signal::Traces, protocol, endpoint)?);
        Ok(self)
    }

    /// Sends log records over OTLP, beside the lines that are written.
    ///
    /// # Errors
    ///
    /// See [`otlp_traces`](Self::otlp_traces).
    pub fn otlp_logs(mut self, protocol: Protocol, endpoint: &str) -> Result<Self, ConfigError> {
        self.settings.logs = Some(Otlp::new(Signal::Logs, protocol, endpoint)?);
        Ok(self)
    }

    /// Pushes the metrics over OTLP, for a collector that does not scrape.
    ///
    /// # Errors
    ///
    /// See [`otlp_traces`](Self::otlp_traces).
    pub fn otlp_metrics(mut self, protocol: Protocol, endpoint: &str) -> Result<Self, ConfigError> {
        self.settings.metrics = Some(Otlp::new(Signal::Metrics, protocol, endpoint)?);
        Ok(self)
    }

    /// Hands spans to an exporter of one's own, in batches as OTLP would have them.
    pub fn span_exporter(mut self, exporter: impl SpanExporter + 'static) -> Self {
        self.traces = Some(Box::new(move |settings, counts| provider(settings, exporter, counts)));
        self
    }

    /// Hands log records to an exporter of one's own, in batches as OTLP would have them.
    pub fn log_exporter(mut self, exporter: impl LogExporter + 'static) -> Self {
        self.logs =
            Some(Box::new(move |settings, counts| logs::provider(settings, exporter, counts)));
        self
    }

    /// How log lines are written. Unless set here or in `SRE_KIT_LOG_FORMAT`: text
    /// where the standard error is a terminal, JSON elsewhere.
    pub fn log_format(mut self, format: LogFormat) -> Self {
        self.format = format;
        self
    }

    /// Where log lines are written. To the standard error, unless set.
    pub fn log_writer(
        mut self,
        writer: impl for<'w> MakeWriter<'w> + Send + Sync + 'static,
    ) -> Self {
        self.writer = BoxMakeWriter::new(writer);
        self.color = false;
        self
    }

    /// Which spans of `tracing` become spans of a trace, as directives like
    /// `info,my_crate=debug`. Those at INFO, unless set; the log level has no
    /// part in it.
    pub fn spans(mut self, directives: impl Into<String>) -> Self {
        self.span_directives = directives.into();
        self
    }

    /// Sets everything up. Nothing global is touched: see [`Telemetry::install`].
    ///
    /// # Errors
    ///
    /// When the directives for spans are malformed, an exporter cannot be set up,
    /// or a thread cannot be started.
    pub fn build(self) -> Result<Telemetry, ConfigError> {
        let Self { mut settings, directives, format, color, writer, project, .. } = self;
        settings.resource.set_default("service.name", unknown_service());
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
        let grpc = [&settings.traces, &settings.metrics, &settings.logs]
            .into_iter()
            .flatten()
            .any(|otlp| otlp.protocol == Protocol::Grpc);
        let worker = grpc.then(Worker::start).transpose()?;
        let entered = worker.as_ref().and_then(Worker::handle).map(tokio::runtime::Handle::enter);

        if let (None, Some(otlp)) = (&traces, &settings.traces) {
            let exporter = otlp::spans(otlp)?;
            traces = Some(Box::new(move |settings, counts| provider(settings, exporter, counts)));
        }
        if let (None, Some(otlp)) = (&logs, &settings.logs) {
            let exporter = otlp::logs(otlp)?;
            logs =
                Some(Box::new(move |settings, counts| logs::provider(settings, exporter, counts)));
        }
        let (mut stops, mut signals): (Stops, Vec<_>) = Default::default();
        let tracer_provider = traces.map(|make| {
            let counts = Arc::new(Counts::new("traces", settings.spans.queue as usize));
            signals.push(Arc::clone(&counts));
            make(&settings, &counts)
        });
        if let Some(provider) = tracer_provider.clone() {
            stops.push(("traces", Box::new(move |budget| provider.shutdown_with_timeout(budget))));
        }
        let logger_provider = logs.map(|make| {
            let counts = Arc::new(Counts::new("logs", settings.records.queue as usize));
            signals.push(Arc::clone(&counts));
            make(&settings, &counts)
        });
        if let Some(provider) = logger_provider.clone() {
            stops.push(("logs", Box::new(move |budget| provider.shutdown_with_timeout(budget))));
        }
        drop(entered);

        let tracer = tracer_provider.as_ref().map(|provider| provider.tracer("sre-kit"));
        let lines = Lines { format, color, directives, project, writer };
        let (dispatch, level) = dispatch(lines, spans, tracer.as_ref(), logger_provider.as_ref())?;
        let (sampler, propagators) = (settings.sampler, settings.propagators);
        let client = ClientTraces { tracer: tracer.clone(), sampler, propagators };
        let server = ServerTraces::new(tracer, sampler, propagators);
        Ok(Telemetry::new(Parts {
            settings,
            server,
            client,
            tracer_provider,
            dispatch,
            level,
            signals,
            running: Mutex::new(Running { stops, worker }),
        }))
    }
}

/// What the specification calls a service that has no name.
fn unknown_service() -> String {
    let program = std::env::current_exe().ok();
    let name = program.as_deref().and_then(|path| path.file_name()?.to_str());
    name.map_or_else(|| "unknown_service".to_owned(), |name| format!("unknown_service:{name}"))
}

impl fmt::Debug for TelemetryBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TelemetryBuilder").field("settings", &self.settings).finish_non_exhaustive()
    }
}
