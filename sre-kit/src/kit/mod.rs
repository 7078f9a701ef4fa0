//! `SreKit`, which wires the modules of this crate together. Each module also works alone.
//!
//! ```no_run
//! use sre_kit::SreKit;
//! use sre_kit::golden_signals::Routes;
//! use sre_kit::slo::Slo;
//! use tower::Layer;
//! # use bytes::Bytes;
//! # use http_body_util::Full;
//!
//! fn main() -> std::io::Result<std::process::ExitCode> {
//!     sre_kit::lifecycle::run_main(serve())
//! }
//!
//! async fn serve() -> Result<sre_kit::lifecycle::ShutdownReport, Box<dyn std::error::Error>> {
//! #   let app = tower::service_fn(|_: http::Request<sre_kit::server::RequestBody>| async {
//! #       Ok::<_, std::convert::Infallible>(http::Response::new(Full::new(Bytes::new())))
//! #   });
//!     let kit = SreKit::builder(sre_kit::build_info!())
//!         .routes(Routes::new(["/", "/items/{id}"])?)
//!         .slo(Slo::availability("pages", "99.9".parse()?))
//!         .with_env()?
//!         .build()?;
//!     let listener = tokio::net::TcpListener::bind("0.0.0.0:8080").await?;
//!     let app = kit.http_layer().layer(app);
//!     Ok(kit.serve(listener, app).await?)
//! }
//! ```
//!
//! The examples [`axum`](https://github.com/sre-kit/sre-kit/blob/main/examples/examples/axum.rs) and [`axum_serve`](https://github.com/sre-kit/sre-kit/blob/main/examples/examples/axum_serve.rs) are complete programs.

#[cfg(feature = "admin")]
mod admin;
mod build;
mod builder;
#[cfg(feature = "db")]
mod database;
#[cfg(feature = "saturation")]
mod saturation;
mod work;

use std::fmt;

use tokio::task::JoinHandle;

pub use builder::SreKitBuilder;

use crate::ConfigError;
use crate::golden_signals::{GoldenSignals, GoldenSignalsLayer};
use crate::health::Health;
use crate::lifecycle::{Lifecycle, ShutdownReport};
use crate::metrics::{BuildInfo, Registry};
use crate::protection::{Protection, ProtectionLayer};
#[cfg(feature = "saturation")]
use crate::saturation::Saturation;
use crate::server::{HttpService, Listeners};
use crate::slo::{Budget, Budgets, Ticker};
use crate::work::{Work, WorkHandle};

/// How long the admin listener may take to serve a last scrape.
#[cfg(feature = "admin")]
const ADMIN_CLOSE: std::time::Duration = std::time::Duration::from_millis(400);

/// The golden signals, SLOs, probes, saturation metrics, admin listener and graceful shutdown of
/// one service. See the [module](crate::kit) for an example.
pub struct SreKit {
    registry: Registry,
    signals: GoldenSignals,
    /// `None` if no peer is declared.
    #[cfg(feature = "outbound")]
    outbound: Option<crate::outbound::Outbound>,
    /// `None` if no unit of work is declared.
    work: Option<Work>,
    budgets: Budgets,
    health: Health,
    #[cfg(feature = "saturation")]
    saturation: Saturation,
    lifecycle: Lifecycle,
    #[cfg(feature = "admin")]
    admin: admin::AdminState,
}

impl SreKit {
    /// Returns a builder for the service that `build` names, usually
    /// [`build_info!()`](crate::build_info).
    pub fn builder(build: BuildInfo) -> SreKitBuilder {
        SreKitBuilder::new(build)
    }

    /// Returns the layer of [`GoldenSignals`], which records every request. Make it the outermost
    /// layer.
    pub fn http_layer(&self) -> GoldenSignalsLayer {
        self.signals.layer()
    }

    /// Returns the layer of [`http_layer`](Self::http_layer) with [load shedding, a time limit and a
    /// body limit](crate::protection) inside it, in the right order. Use it instead of
    /// [`http_layer`](Self::http_layer).
    ///
    /// # Errors
    ///
    /// Returns an error if a setting cannot work, or if the registry already has an
    /// [`Admission`](crate::admission::Admission).
    pub fn protect(&self, protection: Protection) -> Result<ProtectionLayer, ConfigError> {
        protection.build(self.http_layer(), &self.registry)
    }

    /// Returns the registry, to which you can add custom metrics.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Returns the golden signals that the layer records.
    pub fn signals(&self) -> &GoldenSignals {
        &self.signals
    }

    /// Returns a declared peer, to wrap its clients.
    ///
    /// # Errors
    ///
    /// Returns an error if no peer has this name. The message lists the declared ones.
    #[cfg(feature = "outbound")]
    #[cfg_attr(docsrs, doc(cfg(feature = "outbound")))]
    pub fn peer(&self, name: &str) -> Result<crate::outbound::PeerHandle, ConfigError> {
        match &self.outbound {
            Some(outbound) => outbound.peer(name),
            None => Err(ConfigError::new(
                "peer",
                name,
                "the service declares no peers",
                "pass it to `SreKit::builder(..).peer(..)`",
            )),
        }
    }

    /// Returns the calls to other services, or `None` if no peer is declared.
    #[cfg(feature = "outbound")]
    #[cfg_attr(docsrs, doc(cfg(feature = "outbound")))]
    pub fn outbound(&self) -> Option<&crate::outbound::Outbound> {
        self.outbound.as_ref()
    }

    /// Returns a declared unit of work, to run it.
    ///
    /// # Errors
    ///
    /// Returns an error if no unit has this name. The message lists the declared ones.
    pub fn work(&self, name: &str) -> Result<WorkHandle, ConfigError> {
        match &self.work {
            Some(work) => work.unit(name),
            None => Err(ConfigError::new(
                "work unit",
                name,
                "the service declares no units of work",
                "pass it to `SreKit::builder(..).work_unit(..)`",
            )),
        }
    }

    /// Returns all SLOs of the service, with their burn rates.
    pub fn budgets(&self) -> &Budgets {
        &self.budgets
    }

    /// Returns the error budget of one SLO, to read its burn rate or to count custom events.
    ///
    /// # Errors
    ///
    /// Returns an error if the service has no SLO with this name. The message lists the existing
    /// ones.
    pub fn slo(&self, name: &str) -> Result<Budget, ConfigError> {
        self.budgets.slo(name)
    }

    /// Returns the probes, to add latches for startup and heartbeats for liveness.
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// Returns the saturation of the runtime, the control group and the pools.
    #[cfg(feature = "saturation")]
    #[cfg_attr(docsrs, doc(cfg(feature = "saturation")))]
    pub fn saturation(&self) -> &Saturation {
        &self.saturation
    }

    /// Returns the lifecycle: background tasks, shutdown hooks, and the state of the process.
    pub fn lifecycle(&self) -> &Lifecycle {
        &self.lifecycle
    }

    /// Starts the admin listener and returns its address, or `None` without an admin listener or
    /// with one on a Unix socket.
    ///
    /// [`serve`](Self::serve) does this too. Call it earlier if probes should be answered while
    /// the service is starting.
    ///
    /// # Errors
    ///
    /// Returns an error if it cannot listen on the address.
    #[cfg(feature = "admin")]
    #[cfg_attr(docsrs, doc(cfg(feature = "admin")))]
    pub async fn start_admin(&mut self) -> Result<Option<std::net::SocketAddr>, ConfigError> {
        self.admin.start().await
    }

    /// Serves `service` on `listeners` until a shutdown signal, then shuts down gracefully, see
    /// [`lifecycle`](crate::lifecycle). Health checks, SLO windows and the admin listener run
    /// meanwhile.
    ///
    /// # Errors
    ///
    /// Returns an error, without serving, if the admin listener cannot listen on its address.
    ///
    /// # Panics
    ///
    /// Panics outside of a Tokio runtime.
    pub async fn serve<S: HttpService>(
        self,
        listeners: impl Into<Listeners>,
        service: S,
    ) -> Result<ShutdownReport, ConfigError> {
        let (lifecycle, _background) = self.start().await?;
        Ok(lifecycle.serve(listeners, service).await)
    }

    /// Does what [`serve`](Self::serve) does, but for a service that another server serves, such as
    /// `axum::serve`.
    ///
    /// Spawn that server as one of the [tasks](Lifecycle::tasks) of the lifecycle, and let it close
    /// at the [`DrainSignal`](crate::server::DrainSignal): then the graceful shutdown waits for it.
    /// See [`manual::axum_serve`](crate::manual::axum_serve) for an example.
    ///
    /// # Errors
    ///
    /// Returns an error, without waiting for a signal, if the admin listener cannot listen on its
    /// address.
    ///
    /// # Panics
    ///
    /// Panics outside of a Tokio runtime.
    pub async fn run(self) -> Result<ShutdownReport, ConfigError> {
        let (lifecycle, _background) = self.start().await?;
        Ok(lifecycle.run().await)
    }

    /// Starts everything but the server.
    #[cfg_attr(
        not(feature = "admin"),
        allow(unused_mut, clippy::unused_async, reason = "starts the admin listener")
    )]
    async fn start(mut self) -> Result<(Lifecycle, Background), ConfigError> {
        #[cfg(feature = "admin")]
        self.admin.start().await?;
        let background = Background { _ticker: self.budgets.spawn(), checks: self.health.spawn() };
        let budgets = self.budgets;
        self.lifecycle.on_close("slo checkpoint", move || async move {
            let saved = tokio::task::spawn_blocking(move || budgets.save_checkpoint()).await;
            if let Ok(Err(error)) = saved {
                tracing::warn!(%error, "could not save the SLO checkpoint; the next start begins with empty SLO windows");
            }
        });
        #[cfg(feature = "admin")]
        if let admin::AdminState::Running(admin) = self.admin {
            self.lifecycle.on_exit("admin", move || async move {
                admin.shutdown(ADMIN_CLOSE).await;
            });
        }
        Ok((self.lifecycle, background))
    }
}

/// What runs beside the server, until it is dropped.
struct Background {
    _ticker: Ticker,
    checks: JoinHandle<()>,
}

impl Drop for Background {
    fn drop(&mut self) {
        self.checks.abort();
    }
}

impl fmt::Debug for SreKit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SreKit")
            .field("signals", &self.signals)
            .field("lifecycle", &self.lifecycle)
            .finish_non_exhaustive()
    }
}
