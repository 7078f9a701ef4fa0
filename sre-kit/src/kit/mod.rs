//! The parts wired together. Every part also works alone.
//!
//! ```no_run
//! use sre_kit::SreKit;
//! use sre_kit::golden_signals::Routes;
//! use sre_kit::slo::Slo;
//! use tower::Layer;
//! # use bytes::Bytes;
//! # use http_body_util::Full;
//!
//! #[tokio::main]
//! async fn main() -> Result<sre_kit::lifecycle::ShutdownReport, Box<dyn std::error::Error>> {
//! #   let app = tower::service_fn(|_: http::Request<hyper::body::Incoming>| async {
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

#[cfg(feature = "admin")]
mod admin;
mod builder;
#[cfg(feature = "db")]
mod database;
#[cfg(feature = "saturation")]
mod saturation;

use std::fmt;

pub use builder::SreKitBuilder;

use crate::ConfigError;
use crate::golden_signals::{GoldenSignals, GoldenSignalsLayer};
use crate::health::Health;
use crate::lifecycle::{Lifecycle, ShutdownReport};
use crate::metrics::{BuildInfo, Registry};
#[cfg(feature = "saturation")]
use crate::saturation::Saturation;
use crate::server::{HttpService, Listeners};
use crate::slo::{Budget, Budgets, Ticker};

/// How long the admin listener may take to hand over a last scrape.
#[cfg(feature = "admin")]
const ADMIN_CLOSE: std::time::Duration = std::time::Duration::from_millis(400);

/// Golden signals, SLOs, probes, saturation, the admin listener and the way out,
/// of one service. See the [module](crate::kit).
pub struct SreKit {
    registry: Registry,
    signals: GoldenSignals,
    budgets: Budgets,
    health: Health,
    #[cfg(feature = "saturation")]
    saturation: Saturation,
    lifecycle: Lifecycle,
    #[cfg(feature = "admin")]
    admin: admin::AdminState,
}

impl SreKit {
    /// Begins the kit of the service that `build` names, usually
    /// [`build_info!()`](crate::build_info).
    pub fn builder(build: BuildInfo) -> SreKitBuilder {
        SreKitBuilder::new(build)
    }

    /// The layer that records every request. Put it outermost.
    pub fn http_layer(&self) -> GoldenSignalsLayer {
        self.signals.layer()
    }

    /// The registry, for metrics of one's own.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// What the layer has recorded.
    pub fn signals(&self) -> &GoldenSignals {
        &self.signals
    }

    /// Every SLO of the service, with its burn rates.
    pub fn budgets(&self) -> &Budgets {
        &self.budgets
    }

    /// One SLO, to read how fast its budget burns, or to count events of one's own.
    ///
    /// # Errors
    ///
    /// When the service has no SLO of that name; the sentence lists those it has.
    pub fn slo(&self, name: &str) -> Result<Budget, ConfigError> {
        self.budgets.slo(name)
    }

    /// The probes: latches for startup, heartbeats for liveness.
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// How full everything is that a request needs.
    #[cfg(feature = "saturation")]
    #[cfg_attr(docsrs, doc(cfg(feature = "saturation")))]
    pub fn saturation(&self) -> &Saturation {
        &self.saturation
    }

    /// Background tasks, hooks for the way out, and the state of the process.
    pub fn lifecycle(&self) -> &Lifecycle {
        &self.lifecycle
    }

    /// Begins to answer on the admin address and tells it. [`serve`](Self::serve)
    /// does that by itself; called before, probes are answered while the service
    /// still starts. `None` where there is no admin listener.
    ///
    /// # Errors
    ///
    /// When the address cannot be had.
    #[cfg(feature = "admin")]
    #[cfg_attr(docsrs, doc(cfg(feature = "admin")))]
    pub async fn start_admin(&mut self) -> Result<Option<std::net::SocketAddr>, ConfigError> {
        self.admin.start().await
    }

    /// Serves `service` on `listeners` until a signal, and then loses nothing:
    /// see [`lifecycle`](crate::lifecycle). Checks, SLO windows and the admin
    /// listener run meanwhile.
    ///
    /// # Errors
    ///
    /// When the admin address cannot be had. Nothing is served then.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub async fn serve<S: HttpService>(
        #[cfg_attr(
            not(feature = "admin"),
            allow(unused_mut, reason = "starts the admin listener")
        )]
        mut self,
        listeners: impl Into<Listeners>,
        service: S,
    ) -> Result<ShutdownReport, ConfigError> {
        #[cfg(feature = "admin")]
        self.admin.start().await?;
        let _ticker: Ticker = self.budgets.spawn();
        let checks = self.health.spawn();
        let budgets = self.budgets.clone();
        self.lifecycle.on_close("slo checkpoint", move || async move {
            let saved = tokio::task::spawn_blocking(move || budgets.save_checkpoint()).await;
            if let Ok(Err(error)) = saved {
                tracing::warn!(%error, "the SLO windows are not kept for the next start");
            }
        });
        #[cfg(feature = "admin")]
        if let admin::AdminState::Running(admin) = self.admin {
            self.lifecycle.on_exit("admin", move || async move {
                admin.shutdown(ADMIN_CLOSE).await;
            });
        }
        let outcome = self.lifecycle.serve(listeners, service).await;
        checks.abort();
        Ok(outcome)
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
