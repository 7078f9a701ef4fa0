//! The telemetry of a process: what it hands out, and its shutdown.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::sync::oneshot;
use tracing::Dispatch;
use tracing_subscriber::util::SubscriberInitExt;

use crate::export::grpc_runtime::GrpcRuntime;
#[cfg(feature = "otlp")]
use crate::export::metrics;
use crate::export::signal_counts::{self, SignalCounts};
use crate::flush::{FlushReport, KeepMetrics, ShutdownHooks, run_shutdown_hooks};
#[cfg(feature = "otlp")]
use crate::ignored::Ignored;
use crate::logs::log_level::LogLevel;
use crate::settings::Settings;
#[cfg(feature = "otlp")]
use crate::settings::otlp::OtlpSettings;
#[cfg(feature = "otlp")]
use crate::settings::signal::Signal;
use crate::traces::client::{ClientTraces, outbound};
use crate::traces::server::ServerTraces;
use crate::traces::{active_span, propagator};
use sre_kit_core::ConfigError;
use sre_kit_metrics::Registry;

/// The budget of the flush in the background after the last clone was dropped without a shutdown.
const DROP_FLUSH_BUDGET: Duration = Duration::from_secs(3);

/// The traces, logs and pushed metrics of one process. See the [crate](crate) for an example.
///
/// Cloning is cheap; clones share everything. Dropping the last clone without calling
/// [`shutdown`](Self::shutdown) flushes in the background; the process may exit before that is
/// done.
#[derive(Clone)]
pub struct Telemetry {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) settings: Settings,
    pub(crate) server: ServerTraces,
    pub(crate) client: ClientTraces,
    pub(crate) tracer_provider: Option<SdkTracerProvider>,
    pub(crate) dispatch: Dispatch,
    pub(crate) level: LogLevel,
    pub(crate) signals: Vec<Arc<SignalCounts>>,
    pub(crate) pipelines: Mutex<Pipelines>,
}

/// The running export pipelines, which a shutdown takes and stops.
#[derive(Default)]
pub(crate) struct Pipelines {
    pub(crate) hooks: ShutdownHooks,
    pub(crate) keep_metrics: Vec<KeepMetrics>,
    pub(crate) grpc: Option<GrpcRuntime>,
}

impl Pipelines {
    fn shutdown(self, budget: Duration) -> FlushReport {
        let Self { hooks, grpc, .. } = self;
        let report = run_shutdown_hooks(hooks, budget);
        // Last, because the hooks send their final batches through this runtime.
        drop(grpc);
        report
    }
}

impl Telemetry {
    pub(crate) fn new(inner: Inner) -> Self {
        Self { inner: Arc::new(inner) }
    }

    /// Makes this the telemetry of the process: of `tracing`, of the `log` crate, and of code that
    /// asks OpenTelemetry's globals for a tracer or a propagator.
    ///
    /// Call it once, in the program and not in a library. A test uses
    /// [`dispatch`](Self::dispatch) instead.
    ///
    /// # Errors
    ///
    /// Returns an error if the process already has a `tracing` subscriber or a logger.
    pub fn install(&self) -> Result<(), ConfigError> {
        self.inner.dispatch.clone().try_init().map_err(|error| {
            ConfigError::new(
                "telemetry",
                error.to_string(),
                "a process has one subscriber",
                "install it once, and leave out other calls such as `tracing_subscriber::fmt::init`",
            )
        })?;
        if let Some(provider) = &self.inner.tracer_provider {
            opentelemetry::global::set_tracer_provider(provider.clone());
        }
        let propagators = propagator::composite(self.inner.settings.propagators);
        opentelemetry::global::set_text_map_propagator(propagators);
        Ok(())
    }

    /// Returns the subscriber that writes log lines and records spans, for use in a part of a
    /// process with [`tracing::dispatcher::with_default`].
    pub fn dispatch(&self) -> &Dispatch {
        &self.inner.dispatch
    }

    /// Returns a handle that changes the log level while the process runs.
    pub fn log_level(&self) -> &LogLevel {
        &self.inner.level
    }

    /// Registers metrics about the telemetry itself in `registry`. The kit calls this by itself.
    ///
    /// | Metric | Kind | Labels | Meaning |
    /// |---|---|---|---|
    /// | `sre_kit_telemetry_items_total` | counter | `signal`, `result` (`exported`, `failed`, `dropped`) | spans, log records and metric exports, by result |
    /// | `sre_kit_telemetry_queue_ratio` | gauge | `signal` | how full the queue is, from 0 to 1; at 1 items are dropped |
    ///
    /// If `OTEL_METRICS_EXPORTER` is `otlp`, this also starts to push the registry: the kit's
    /// families, under their names and with their exemplars. Metrics that were added by
    /// [`Registry::register`] are scraped only.
    ///
    /// # Errors
    ///
    /// Returns an error if
    /// - the registry already has these metrics, or
    /// - the metrics exporter cannot be set up. If the environment configures it, that is an error
    ///   only with `SRE_KIT_STRICT_ENV=true`, and otherwise a warning.
    pub fn register(&self, registry: &Registry) -> Result<(), ConfigError> {
        let signals = self.inner.signals.clone();
        #[cfg(feature = "otlp")]
        if let Some(otlp) = &self.inner.settings.metrics {
            return self.inner.register_and_push(registry, otlp, signals);
        }
        signal_counts::register(registry, signals)
    }

    /// Flushes all signals at the same time, waits for at most `budget`, and shuts the export
    /// down. Log lines are still written afterwards.
    ///
    /// It works on any runtime, including one with a single thread: a separate thread does the
    /// waiting.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops the waiting; the flush goes on in its thread.
    pub async fn shutdown(&self, budget: Duration) -> FlushReport {
        let pipelines = self.inner.take_pipelines();
        let (done, report) = oneshot::channel();
        let thread = std::thread::Builder::new().name("flush".to_owned());
        let spawned = thread.spawn(move || drop(done.send(pipelines.shutdown(budget))));
        if let Err(error) = spawned {
            tracing::error!(%error, "the flush could not be started");
        }
        report.await.unwrap_or_default()
    }

    /// Shuts down like [`shutdown`](Self::shutdown) and blocks the calling thread for at most
    /// `budget`.
    pub fn shutdown_blocking(&self, budget: Duration) -> FlushReport {
        self.inner.take_pipelines().shutdown(budget)
    }

    /// Adds the current trace and baggage to the headers of a request to another service.
    ///
    /// This is for clients that are not tower services; for those that are, see
    /// [`HttpClient`](crate::HttpClient).
    pub fn inject(&self, headers: &mut http::HeaderMap) {
        self.inner.client.inject(active_span().map(outbound), headers);
    }

    /// Keeps the metrics of this moment, which [`shutdown`](Self::shutdown) pushes before those of
    /// its own moment.
    pub(crate) fn keep_metrics(&self) {
        let pipelines = self.inner.pipelines.lock().unwrap_or_else(PoisonError::into_inner);
        pipelines.keep_metrics.iter().for_each(|keep| keep());
    }

    /// Returns the traces of inbound requests.
    pub(crate) fn server_traces(&self) -> ServerTraces {
        self.inner.server.clone()
    }

    /// Returns the traces of outbound requests.
    pub(crate) fn client_traces(&self) -> ClientTraces {
        self.inner.client.clone()
    }
}

impl Inner {
    #[cfg(feature = "otlp")]
    fn register_and_push(
        &self,
        registry: &Registry,
        otlp: &OtlpSettings,
        mut signals: Vec<Arc<SignalCounts>>,
    ) -> Result<(), ConfigError> {
        let counts = Arc::new(SignalCounts::new("metrics", 1));
        signals.push(Arc::clone(&counts));
        signal_counts::register(registry, signals)?;
        let mut pipelines = self.pipelines.lock().unwrap_or_else(PoisonError::into_inner);
        let grpc = pipelines.grpc.as_ref().and_then(GrpcRuntime::handle);
        match metrics::push(registry, &self.settings, otlp, grpc, &counts) {
            Ok(push) => {
                pipelines.hooks.push(("metrics", push.hook));
                pipelines.keep_metrics.push(push.keep);
            }
            Err(error) => {
                let mut ignored = Vec::new();
                otlp.not_exported(Signal::Metrics, error, &mut ignored)?;
                let warn = || ignored.iter().for_each(Ignored::warn);
                tracing::dispatcher::with_default(&self.dispatch, warn);
            }
        }
        Ok(())
    }

    fn take_pipelines(&self) -> Pipelines {
        std::mem::take(&mut *self.pipelines.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let pipelines = self.take_pipelines();
        if !pipelines.hooks.is_empty() {
            // If the thread cannot be started, the pipelines are dropped without a flush.
            let thread = std::thread::Builder::new().name("flush".to_owned());
            let _ = thread.spawn(move || pipelines.shutdown(DROP_FLUSH_BUDGET));
        }
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}
