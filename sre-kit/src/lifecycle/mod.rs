//! From the first byte served to an exit that loses nothing.
//!
//! ```no_run
//! use sre_kit::lifecycle::{Lifecycle, ShutdownReport};
//! # use bytes::Bytes;
//! # use http_body_util::Full;
//!
//! #[tokio::main]
//! async fn main() -> Result<ShutdownReport, Box<dyn std::error::Error>> {
//! #   let service = tower::service_fn(|_request: http::Request<hyper::body::Incoming>| async {
//! #       Ok::<_, std::convert::Infallible>(http::Response::new(Full::new(Bytes::new())))
//! #   });
//!     let lifecycle = Lifecycle::builder().with_env()?.build(&sre_kit::metrics::Registry::new())?;
//!     let listener = tokio::net::TcpListener::bind("0.0.0.0:8080").await?;
//!     Ok(lifecycle.serve(listener, service).await)
//! }
//! ```
//!
//! # The way out
//!
//! SIGTERM, SIGINT or a [`ShutdownHandle`] begin it. Its phases run in this
//! order, each within its bound, each logged with its duration:
//!
//! | Phase | Bound | What happens |
//! |---|---|---|
//! | `delay` | `delay` | readiness is off; everything is still accepted and served; HTTP/1 responses carry `Connection: close`, HTTP/2 connections get a GOAWAY |
//! | `drain` | `drain` | listeners close; requests are finished; streams are told to end ([`DrainSignal`]) |
//! | `tasks` | the rest of `drain` | [`Tasks`] and upgraded connections end |
//! | `pools` | the rest of `drain` | [`on_close`](Lifecycle::on_close) hooks, side by side |
//! | `telemetry` | `flush` | [`on_flush`](Lifecycle::on_flush) hooks, side by side, each on a thread of its own |
//! | `admin` | 0.4 s | the admin listener answers to the end, then closes |
//!
//! Phases whose turn comes when the time of `drain` is used up have 0.4 s each.
//! What is not done within its bound is cut off, counted and logged, and the exit
//! code says so: see [`ShutdownReport`]. A second signal ends the process at once.
//!
//! The order is that of [kube-apiserver], with what no Rust server has: telling
//! clients to leave while still accepting ([hyperium/hyper#3961]).
//!
//! [kube-apiserver]: https://github.com/kubernetes/kubernetes/pull/74416
//! [hyperium/hyper#3961]: https://github.com/hyperium/hyper/issues/3961
//!
//! # Metrics
//!
//! | Metric | Kind | Labels | Meaning |
//! |---|---|---|---|
//! | `lifecycle_state` | gauge | `state` (`starting`, `running`, `draining`, `stopping`, `stopped`) | 1 for the state of the process, 0 for the others |
//! | `lifecycle_phase_duration_seconds` | gauge | `phase` | how long a phase took, or takes so far; absent before it |
//! | `lifecycle_phase_bound_seconds` | gauge | `phase` | how long it may take |
//! | `lifecycle_cut_off_total` | counter | `kind` (`connections`, `requests`, `upgraded`, `tasks`, `hooks`) | what was left unfinished |
//!
//! Those of connections are listed at [`ConnectionMetrics`].

mod builder;
mod drain;
mod hooks;
mod outcome;
mod process;
mod signals;
mod state;
mod tasks;
mod trigger;

#[cfg(test)]
mod tests;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use tokio::sync::watch;
use tower::BoxError;
use tower_service::Service;

use builder::Settings;
use drain::Drain;
use hooks::Hooks;
use signals::Signals;
use state::Progress;

use crate::server::{DrainSignal, Listeners, RunningServer, Server};

pub use builder::{DrainReadiness, LifecycleBuilder};
pub use hooks::HookFailure;
pub use outcome::ShutdownReport;
pub use process::run_main;
pub use state::{ShutdownPhase, State};
pub use tasks::Tasks;
pub use trigger::{ShutdownHandle, ShutdownReason};

type Gate = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs a process from its start to its end. See the [module](self).
pub struct Lifecycle {
    settings: Settings,
    progress: Arc<Progress>,
    signal: DrainSignal,
    handle: ShutdownHandle,
    tasks: Tasks,
    hooks: Mutex<Hooks>,
    gates: Mutex<Vec<Gate>>,
    servers: Mutex<Vec<RunningServer>>,
    admin: Mutex<Vec<RunningServer>>,
    main: Option<Server>,
    signals: Option<Signals>,
}

impl Lifecycle {
    /// Begins a lifecycle.
    pub fn builder() -> LifecycleBuilder {
        LifecycleBuilder::new()
    }

    /// Begins the shutdown from within the program.
    pub fn shutdown_handle(&self) -> ShutdownHandle {
        self.handle.clone()
    }

    /// Tells running work that the process drains. Requests find it in their
    /// [`ConnectionInfo`] as well.
    pub fn drain_signal(&self) -> DrainSignal {
        self.signal.clone()
    }

    /// Spawns background tasks that the shutdown waits for.
    pub fn tasks(&self) -> Tasks {
        self.tasks.clone()
    }

    /// Where the process stands.
    pub fn state(&self) -> State {
        self.progress.state()
    }

    /// Follows where the process stands.
    pub fn states(&self) -> watch::Receiver<State> {
        self.progress.subscribe()
    }

    /// The state is `starting` until `gate` is ready. It is served meanwhile.
    pub fn ready_when(&self, gate: impl Future<Output = ()> + Send + 'static) {
        lock(&self.gates).push(Box::pin(gate));
    }

    /// Runs `hook` at the moment when readiness goes off
    /// ([`LifecycleBuilder::readiness`]). It must not block.
    pub fn on_drain(&self, name: impl Into<String>, hook: impl FnOnce() + Send + 'static) {
        lock(&self.hooks).readiness.push((name.into(), Box::new(hook)));
    }

    /// Runs `hook` when requests and tasks are over: closes a pool, releases a
    /// lock. Dropped at the end of its time.
    pub fn on_close<F, Fut>(&self, name: impl Into<String>, hook: F)
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        lock(&self.hooks).pools.push((name.into(), hooks::boxed(hook)));
    }

    /// Runs `hook` when nothing makes telemetry any more. It may block: it has a
    /// thread of its own, within the runtime's context, and is told its budget.
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

    /// Runs `hook` last, beside the admin listener's closing.
    pub fn on_exit<F, Fut>(&self, name: impl Into<String>, hook: F)
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        lock(&self.hooks).admin.push((name.into(), hooks::boxed(hook)));
    }

    /// Drains `server` together with the main one.
    pub fn add_server(&self, server: impl Into<RunningServer>) {
        lock(&self.servers).push(server.into());
    }

    /// Keeps `server` until everything else has ended: for probes and a last scrape.
    pub fn add_admin_server(&self, server: impl Into<RunningServer>) {
        lock(&self.admin).push(server.into());
    }

    /// Serves connections of `listeners` with clones of `service` until the
    /// shutdown is over.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub async fn serve<S, B>(
        mut self,
        listeners: impl Into<Listeners>,
        service: S,
    ) -> ShutdownReport
    where
        S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
        S::Future: Send + 'static,
        S::Error: Into<BoxError>,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        if let Some(server) = self.main.take() {
            self.add_server(server.start(listeners, service));
        }
        self.run().await
    }

    /// Runs until the shutdown is over, for servers that were added and for
    /// processes that serve nothing.
    ///
    /// # Cancel safety
    ///
    /// Dropping it ends its servers at once, without a drain.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub async fn run(mut self) -> ShutdownReport {
        if let Some(signals) = self.signals.take() {
            tokio::spawn(signals.watch(self.handle.clone()));
        }
        let gates = std::mem::take(&mut *lock(&self.gates));
        tokio::select! {
            _ = join_all(gates) => {
                self.progress.enter(State::Running);
                tracing::info!("startup is over");
                self.handle.triggered().await;
            }
            () = self.handle.triggered() => {}
        }
        let reason = self.handle.reason().cloned();
        let reason = reason.unwrap_or(ShutdownReason::Requested("unknown".into()));
        let drain = Drain {
            settings: &self.settings,
            progress: &self.progress,
            signal: &self.signal,
            tasks: &self.tasks,
            servers: std::mem::take(&mut *lock(&self.servers)),
            admin: std::mem::take(&mut *lock(&self.admin)),
            hooks: std::mem::take(&mut *lock(&self.hooks)),
        };
        drain.run(reason).await
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
