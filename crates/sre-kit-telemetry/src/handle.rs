//! The telemetry of a process: what is handed around, and how it ends.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::sync::oneshot;
use tracing::Dispatch;
use tracing_subscriber::util::SubscriberInitExt;

use super::builder::TelemetryBuilder;
use super::export::counts::{self, Counts};
use super::export::metrics;
use super::export::worker::Worker;
use super::flush::{FlushReport, Stops, stop_all};
use super::logs::level::LogLevel;
use super::settings::Settings;
use super::traces::client::ClientTraces;
use super::traces::innermost;
use super::traces::server::ServerTraces;
use sre_kit_core::ConfigError;
use sre_kit_metrics::Registry;

/// How long a process that forgot to shut down goes on sending, if it lives that long.
const FORGOTTEN: Duration = Duration::from_secs(3);

/// Traces and logs of one process. See the [module](super).
///
/// Cloning is cheap; clones are the same telemetry. The last one that is dropped
/// without a [`shutdown`](Self::shutdown) begins one in the background and waits
/// for nothing.
#[derive(Clone)]
pub struct Telemetry {
    inner: Arc<Parts>,
}

pub(super) struct Parts {
    pub(super) settings: Settings,
    pub(super) server: ServerTraces,
    pub(super) client: ClientTraces,
    pub(super) tracer_provider: Option<SdkTracerProvider>,
    pub(super) dispatch: Dispatch,
    pub(super) level: LogLevel,
    pub(super) signals: Vec<Arc<Counts>>,
    pub(super) running: Mutex<Running>,
}

/// What is to be stopped at the end, and what it needs for that.
#[derive(Default)]
pub(super) struct Running {
    pub(super) stops: Stops,
    pub(super) worker: Option<Worker>,
}

impl Running {
    fn stop(self, budget: Duration) -> FlushReport {
        // The worker carries the last batches, so it goes last.
        let Self { stops, worker } = self;
        let flushed = stop_all(stops, budget);
        drop(worker);
        flushed
    }
}

impl Telemetry {
    pub(super) fn new(parts: Parts) -> Self {
        Self { inner: Arc::new(parts) }
    }

    /// Telemetry as the environment asks for it: see the [module](super) for the
    /// variables. Without any, nothing is exported, contexts are passed on, and
    /// log lines are written.
    ///
    /// # Errors
    ///
    /// When a variable is malformed or an exporter cannot be set up.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::builder_from_env()?.build()
    }

    /// Begins telemetry that the environment has no part in.
    #[allow(clippy::missing_panics_doc, reason = "it does not")]
    pub fn builder() -> TelemetryBuilder {
        TelemetryBuilder::from_vars(&|_| None).expect("the defaults are sound")
    }

    /// Begins telemetry as the environment asks for it.
    ///
    /// # Errors
    ///
    /// When a variable is malformed.
    pub fn builder_from_env() -> Result<TelemetryBuilder, ConfigError> {
        Self::builder_from_vars(|name| std::env::var(name).ok())
    }

    /// Begins telemetry as `lookup` asks for it, in the environment's place.
    ///
    /// # Errors
    ///
    /// When a value is malformed.
    pub fn builder_from_vars(
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<TelemetryBuilder, ConfigError> {
        TelemetryBuilder::from_vars(&lookup)
    }

    /// Makes this the telemetry of the process: of `tracing`, of the `log` crate, and
    /// of code that asks OpenTelemetry's globals for a tracer or a propagator. To be
    /// called once, by the program and not by a library; a test uses
    /// [`dispatch`](Self::dispatch) instead.
    ///
    /// # Errors
    ///
    /// When the process has a subscriber already.
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
        opentelemetry::global::set_text_map_propagator(self.inner.settings.propagators.composite());
        Ok(())
    }

    /// What writes the lines and records the spans, to be used for a part of a
    /// process with [`tracing::dispatcher::with_default`].
    pub fn dispatch(&self) -> &Dispatch {
        &self.inner.dispatch
    }

    /// Changes which events are logged.
    pub fn log_level(&self) -> &LogLevel {
        &self.inner.level
    }

    /// Shows in `registry` what becomes of the telemetry. The kit does that by itself.
    ///
    /// | Metric | Kind | Labels | Meaning |
    /// |---|---|---|---|
    /// | `sre_kit_telemetry_items_total` | counter | `signal`, `result` (`exported`, `failed`, `dropped`) | spans, log records and metric exports by what became of them |
    /// | `sre_kit_telemetry_queue_ratio` | gauge | `signal` | how full the queue is; at 1 items are dropped |
    ///
    /// # Errors
    ///
    /// When the registry has them already, or the push cannot be set up.
    ///
    /// Where `OTEL_METRICS_EXPORTER` is `otlp`, the registry is also pushed from now
    /// on: the kit's families, under their names and with their exemplars. What was
    /// added by [`Registry::register`] is only there for scrapers.
    pub fn register(&self, registry: &Registry) -> Result<(), ConfigError> {
        let Parts { settings, signals, running, .. } = &*self.inner;
        let mut signals = signals.clone();
        let pushed = settings.metrics.as_ref().map(|otlp| {
            let counts = Arc::new(Counts::new("metrics", 1));
            signals.push(Arc::clone(&counts));
            (otlp, counts)
        });
        counts::register(registry, signals)?;
        if let Some((otlp, counts)) = pushed {
            let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
            let worker = running.worker.as_ref().and_then(Worker::handle);
            let stop = metrics::push(registry, settings, otlp, worker, &counts)?;
            running.stops.push(("metrics", stop));
        }
        Ok(())
    }

    /// Sends what is left, all signals at once, and waits for that at most as long
    /// as `budget`. Nothing is exported from then on; log lines are still written.
    ///
    /// On any runtime, also one with a single worker or thread: the waiting is done
    /// by a thread of its own.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the waiting, not the sending.
    pub async fn shutdown(&self, budget: Duration) -> FlushReport {
        let running = self.take();
        let (done, flushed) = oneshot::channel();
        let thread = std::thread::Builder::new().name("flush".to_owned());
        let spawned = thread.spawn(move || drop(done.send(running.stop(budget))));
        if let Err(error) = spawned {
            tracing::error!(%error, "the flush could not be started");
        }
        flushed.await.unwrap_or_default()
    }

    /// [`shutdown`](Self::shutdown) for a thread that may block.
    pub fn shutdown_blocking(&self, budget: Duration) -> FlushReport {
        self.take().stop(budget)
    }

    /// What starts the traces of requests that are served.
    pub(crate) fn server_traces(&self) -> ServerTraces {
        self.inner.server.clone()
    }

    /// What starts the spans of requests to other services.
    pub(crate) fn client_traces(&self) -> ClientTraces {
        self.inner.client.clone()
    }

    /// Puts the current trace and baggage into the headers of a request to another
    /// service, for clients that are no tower services; for those that are, see
    /// [`HttpClient`](super::HttpClient).
    pub fn inject(&self, headers: &mut http::HeaderMap) {
        self.inner.client.inject(innermost(), headers);
    }

    fn take(&self) -> Running {
        self.inner.take()
    }
}

impl Parts {
    fn take(&self) -> Running {
        std::mem::take(&mut *self.running.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        let running = self.take();
        if !running.stops.is_empty() {
            // Where no thread can be had, dropping it has to do.
            let thread = std::thread::Builder::new().name("flush".to_owned());
            let _ = thread.spawn(move || running.stop(FORGOTTEN));
        }
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}
