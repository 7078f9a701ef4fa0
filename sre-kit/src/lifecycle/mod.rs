//! Graceful shutdown: from the first signal to an exit that loses nothing.
//!
//! ```no_run
//! use sre_kit::lifecycle::{Lifecycle, ShutdownReport};
//! # use bytes::Bytes;
//! # use http_body_util::Full;
//!
//! fn main() -> std::io::Result<std::process::ExitCode> {
//!     sre_kit::lifecycle::run_main(serve())
//! }
//!
//! async fn serve() -> Result<ShutdownReport, Box<dyn std::error::Error>> {
//! #   let service = tower::service_fn(|_request: http::Request<sre_kit::server::RequestBody>| async {
//! #       Ok::<_, std::convert::Infallible>(http::Response::new(Full::new(Bytes::new())))
//! #   });
//!     let lifecycle = Lifecycle::builder().with_env()?.build(&sre_kit::metrics::Registry::new())?;
//!     let listener = tokio::net::TcpListener::bind("0.0.0.0:8080").await?;
//!     Ok(lifecycle.serve(listener, service).await)
//! }
//! ```
//!
//! The example [`rollout`](https://github.com/sre-kit/sre-kit/blob/main/examples/examples/rollout.rs) is a complete program.
//!
//! # Graceful shutdown
//!
//! SIGTERM, SIGINT or a [`ShutdownHandle`] begins the shutdown. It has six phases, which run in
//! this order, each within its bound, and each logged with its duration:
//!
//! | | Phase | Bound | Default | What happens |
//! |---|---|---|---|---|
//! | 1 | `delay` | [`drain_delay`](LifecycleBuilder::drain_delay) | 10 s | Readiness goes off. Connections are still accepted and requests served. HTTP/1 responses carry `Connection: close`, HTTP/2 connections get a GOAWAY. |
//! | 2 | `drain` | [`drain_timeout`](LifecycleBuilder::drain_timeout) | 15 s | Listeners close, requests in flight are finished, and streams get the [`DrainSignal`] to end. |
//! | 3 | `tasks` | the rest of `drain_timeout` | | [`Tasks`] and upgraded connections end. |
//! | 4 | `pools` | the rest of `drain_timeout` | | The [`on_close`](Lifecycle::on_close) hooks run concurrently. |
//! | 5 | `telemetry` | [`flush_timeout`](LifecycleBuilder::flush_timeout) | 3 s | The [`on_flush`](Lifecycle::on_flush) hooks run concurrently, each on its own thread. |
//! | 6 | `admin` | 0.4 s | | The [`on_exit`](Lifecycle::on_exit) hooks run, and the admin listener finishes its responses and closes. |
//!
//! If `drain_timeout` is already used up when phase 3 or 4 begins, that phase still gets 0.4 s.
//! What is not finished within its bound is cut off, counted and logged, and sets the exit code:
//! see [`ShutdownReport`]. Telemetry that cannot be flushed, because the collector is down, is
//! counted and logged, and leaves the exit code at 0. A second signal ends the process at once.
//!
//! The order is that of [kube-apiserver]. In addition, clients are asked to reconnect elsewhere
//! while the server still accepts ([hyperium/hyper#3961]).
//!
//! [kube-apiserver]: https://github.com/kubernetes/kubernetes/pull/74416
//! [hyperium/hyper#3961]: https://github.com/hyperium/hyper/issues/3961
//!
//! # An end that always comes
//!
//! The phases run on the runtime. If every worker is blocked, or if `main` waits for a blocking call
//! that never returns, no phase can end the process. A thread of its own therefore watches the
//! shutdown from the first signal or trigger on: a process that still runs when the three bounds and
//! 1.8 s are over ends with the exit code 80, within the 2 s that a grace period must hold beyond
//! the bounds. It ends as a second signal ends it, without destructors. See
//! [`LifecycleBuilder::watchdog`]. [`run_main`] ends sooner where only a blocking call hangs.
//!
//! # On Windows
//!
//! On Windows, Ctrl-C and Ctrl-Break take the place of SIGINT and SIGTERM. Closing the console,
//! logging off and shutting down begin the shutdown as well, but Windows then ends the process after
//! about 5 s, so set `SRE_KIT_DRAIN_DELAY=0` where that happens.
//!
//! # systemd
//!
//! With the feature `systemd`, a unit with `Type=notify` is told `READY=1` when startup is over and
//! `STOPPING=1` when the shutdown begins. With `WatchdogSec=`, it also gets a sign of life from the
//! runtime twice per period, so that systemd restarts a process whose threads hang.
//! `Listeners::from_systemd` of [`server`](crate::server) takes the sockets of socket activation. Set
//! `TimeoutStopSec=` above the sum of the phases.
//!
//! # Log lines
//!
//! The log has a line at the start and at the end of each phase. A drain that takes longer has one
//! every five seconds, with the requests or tasks that are left and the seconds until they are cut
//! off.
//!
//! # Metrics
//!
//! | Metric | Kind | Labels | Meaning |
//! |---|---|---|---|
//! | `lifecycle_state` | gauge | `state` (`starting`, `running`, `draining`, `stopping`, `stopped`) | 1 for the state of the process, 0 for the others |
//! | `lifecycle_phase_duration_seconds` | gauge | `phase` | the duration of a phase, or its duration so far; absent before the phase begins |
//! | `lifecycle_phase_bound_seconds` | gauge | `phase` | the bound of a phase |
//! | `lifecycle_cut_off_total` | counter | `kind` (`connections`, `requests`, `upgraded`, `tasks`, `hooks`, `telemetry`) | what was not finished; `telemetry` counts flush hooks that failed |
//!
//! [`ConnectionMetrics`](crate::server::ConnectionMetrics) lists those of connections.

mod alarm;
mod builder;
#[cfg(any(windows, test))]
mod console_events;
mod drain_readiness;
mod graceful_shutdown;
mod hook_failure;
mod hooks;
mod long_wait;
mod progress;
mod run_main;
mod settings;
mod shutdown_handle;
mod shutdown_phase;
mod shutdown_reason;
mod shutdown_report;
#[cfg(unix)]
mod signal_handlers;
mod state;
#[cfg(all(unix, feature = "systemd"))]
mod systemd;
mod tasks;
mod watchdog;

#[cfg(test)]
mod tests;

use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{Either, join_all, select};
use tokio::sync::watch;
use tower::BoxError;

#[cfg(windows)]
use console_events::SignalHandlers;
use graceful_shutdown::GracefulShutdown;
use hooks::Hooks;
use progress::Progress;
use settings::Settings;
#[cfg(unix)]
use signal_handlers::SignalHandlers;

use crate::server::{DrainSignal, HttpService, Listeners, RunningServer, Server};

pub use builder::LifecycleBuilder;
pub use drain_readiness::DrainReadiness;
pub use hook_failure::HookFailure;
pub use run_main::run_main;
pub use shutdown_handle::ShutdownHandle;
pub use shutdown_phase::ShutdownPhase;
pub use shutdown_reason::ShutdownReason;
pub use shutdown_report::ShutdownReport;
pub use state::State;
pub use tasks::Tasks;

type StartupGate = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The lifecycle of a process: startup, serving and graceful shutdown. See the [module](self).
#[must_use = "nothing is served before `serve` or `run`"]
pub struct Lifecycle {
    settings: Settings,
    progress: Arc<Progress>,
    signal: DrainSignal,
    handle: ShutdownHandle,
    tasks: Tasks,
    hooks: Mutex<Hooks>,
    startup_gates: Mutex<Vec<StartupGate>>,
    servers: Mutex<Vec<RunningServer>>,
    admin_servers: Mutex<Vec<RunningServer>>,
    main_server: Option<Server>,
    /// Installed, but not watched yet.
    signals: Option<SignalHandlers>,
}

impl Lifecycle {
    /// Returns a handle that begins the shutdown from within the program.
    pub fn shutdown_handle(&self) -> ShutdownHandle {
        self.handle.clone()
    }

    /// Returns the signal that the process drains. A
    /// [`ConnectionInfo`](crate::server::ConnectionInfo) has it as well.
    pub fn drain_signal(&self) -> DrainSignal {
        self.signal.clone()
    }

    /// Returns a spawner of background tasks that the shutdown stops and waits for.
    pub fn tasks(&self) -> Tasks {
        self.tasks.clone()
    }

    /// Returns the current state of the process.
    pub fn state(&self) -> State {
        self.progress.state()
    }

    /// Returns a receiver that follows the state of the process.
    pub fn states(&self) -> watch::Receiver<State> {
        self.progress.subscribe()
    }

    /// Adds a startup gate: the state stays `starting` until `gate` is ready. Requests are served
    /// meanwhile.
    pub fn ready_when(&self, gate: impl Future<Output = ()> + Send + 'static) {
        lock(&self.startup_gates).push(Box::pin(gate));
    }

    /// Registers a hook for the moment at which readiness goes off, in the phase `delay`; see
    /// [`LifecycleBuilder::readiness`]. It must not block.
    pub fn on_drain(&self, name: impl Into<String>, hook: impl FnOnce() + Send + 'static) {
        lock(&self.hooks).readiness.push((name.into(), Box::new(hook)));
    }

    /// Registers a hook for the phase `pools`, after requests and tasks. It closes a pool or
    /// releases a lock, for example. Its future is dropped at the end of the phase's bound.
    pub fn on_close<F, Fut>(&self, name: impl Into<String>, hook: F)
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        lock(&self.hooks).pools.push((name.into(), hooks::boxed(hook)));
    }

    /// Registers a hook for the phase `telemetry`, after requests, tasks and `on_close` hooks. It
    /// runs on its own thread within the runtime's context and may block; its argument is the time
    /// that is left. A hook that fails is counted and logged, and leaves the exit code as it is; see
    /// [`LifecycleBuilder::telemetry_lost_code`].
    ///
    /// ```
    /// # let lifecycle = sre_kit::lifecycle::Lifecycle::builder().without_signals().build(&sre_kit::metrics::Registry::new())?;
    /// # struct Provider;
    /// # impl Provider {
    /// #     fn shutdown_with_timeout(&self, _: std::time::Duration) -> Result<(), std::io::Error> { Ok(()) }
    /// # }
    /// # let traces = Provider;
    /// lifecycle.on_flush("traces", move |budget| Ok(traces.shutdown_with_timeout(budget)?));
    /// # Ok::<(), sre_kit::ConfigError>(())
    /// ```
    pub fn on_flush<F>(&self, name: impl Into<String>, hook: F)
    where
        F: FnOnce(Duration) -> Result<(), BoxError> + Send + 'static,
    {
        lock(&self.hooks).telemetry.push((name.into(), Box::new(hook)));
    }

    /// Registers a hook for the last phase, `admin`. It runs while the admin listener closes.
    pub fn on_exit<F, Fut>(&self, name: impl Into<String>, hook: F)
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        lock(&self.hooks).admin.push((name.into(), hooks::boxed(hook)));
    }

    /// Adds a running server that drains together with the main one.
    pub fn add_server(&self, server: impl Into<RunningServer>) {
        lock(&self.servers).push(server.into());
    }

    /// Adds a running server that closes in the last phase, `admin`, so that probes and a last
    /// scrape are answered until then.
    pub fn add_admin_server(&self, server: impl Into<RunningServer>) {
        lock(&self.admin_servers).push(server.into());
    }

    /// Serves the connections of `listeners` with clones of `service`, and returns when the
    /// shutdown is over.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: dropping the future closes its servers at once, without a drain.
    ///
    /// # Panics
    ///
    /// Panics if it is polled outside of a Tokio runtime.
    pub async fn serve<S: HttpService>(
        mut self,
        listeners: impl Into<Listeners>,
        service: S,
    ) -> ShutdownReport {
        if let Some(server) = self.main_server.take() {
            self.add_server(server.start(listeners, service));
        }
        self.run().await
    }

    /// Runs until the shutdown is over, without the main server: for servers that were added, and
    /// for processes that serve nothing.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: dropping the future closes its servers at once, without a drain.
    ///
    /// # Panics
    ///
    /// Panics if it is polled outside of a Tokio runtime.
    pub async fn run(mut self) -> ShutdownReport {
        if let Some(signals) = self.signals.take() {
            tokio::spawn(signals.watch(self.handle.clone()));
        }
        #[cfg(all(unix, feature = "systemd"))]
        tokio::spawn(systemd::notify(self.progress.subscribe()));
        let gates = std::mem::take(&mut *lock(&self.startup_gates));
        let triggered = pin!(self.handle.triggered());
        if let Either::Left((_, triggered)) = select(join_all(gates), triggered).await {
            self.progress.enter(State::Running);
            tracing::info!("startup is over");
            triggered.await;
        }
        let reason = self.handle.reason().cloned();
        let reason = reason.unwrap_or(ShutdownReason::Requested("unknown".into()));
        let shutdown = GracefulShutdown {
            settings: &self.settings,
            progress: &self.progress,
            signal: &self.signal,
            tasks: &self.tasks,
            servers: std::mem::take(&mut *lock(&self.servers)),
            admin_servers: std::mem::take(&mut *lock(&self.admin_servers)),
            hooks: std::mem::take(&mut *lock(&self.hooks)),
        };
        shutdown.run(reason).await
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Lifecycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lifecycle")
            .field("state", &self.state())
            .field("settings", &self.settings)
            .field("tasks", &self.tasks)
            .finish_non_exhaustive()
    }
}
