//! Settings of the kit: those of its parts, in one place.

use std::fmt;
use std::path::PathBuf;

#[cfg(feature = "admin")]
use super::admin;
#[cfg(feature = "db")]
use super::database;
use crate::ConfigError;
#[cfg(feature = "admin")]
use crate::admin::AdminBuilder;
use crate::golden_signals::{GoldenSignals, GoldenSignalsBuilder, RouteSource};
use crate::health::{Check, Health, HealthBuilder};
use crate::lifecycle::{Lifecycle, LifecycleBuilder};
use crate::metrics::{BuildInfo, Registry};
#[cfg(feature = "outbound")]
use crate::outbound::{Outbound, OutboundBuilder, Peer};
use crate::slo::Slo;
use crate::work::{Work, WorkBuilder, WorkUnit};

/// The prefix of the variables that name the PEM files of the service's TLS.
const TLS: &str = "SRE_KIT_TLS";

/// Builds a [`SreKit`](super::SreKit).
///
/// Settings without a method here are set on the builder of their part, which
/// [`http`](Self::http), [`health`](Self::health), [`lifecycle`](Self::lifecycle) and `admin`
/// pass to a closure.
///
/// | Environment, by [`with_env`](Self::with_env) | Sets |
/// |---|---|
/// | `SRE_KIT_ADMIN` | the admin address; `off` for no admin listener |
/// | `SRE_KIT_ADMIN_TOKEN_FILE` and others | see [`admin`](crate::admin#environment) |
/// | `SRE_KIT_TLS_CERT_FILE`, `SRE_KIT_TLS_KEY_FILE`, `SRE_KIT_TLS_CLIENT_CA_FILE` | the PEM files of the service's TLS, with the feature `tls` |
/// | `SRE_KIT_DRAIN_DELAY` and others | see [`LifecycleBuilder`] |
#[must_use = "nothing happens before `build`"]
pub struct SreKitBuilder {
    pub(super) build: BuildInfo,
    pub(super) registry: Option<Registry>,
    pub(super) slos: Vec<Slo>,
    pub(super) checkpoint: Option<PathBuf>,
    /// The clock of the SLO windows, if a test moves it.
    #[cfg(feature = "testing")]
    pub(super) slo_clock: Option<crate::slo::Clock>,
    pub(super) http: GoldenSignalsBuilder,
    pub(super) health: HealthBuilder,
    pub(super) lifecycle: LifecycleBuilder,
    /// `None` without an admin listener.
    #[cfg(feature = "admin")]
    pub(super) admin: Option<AdminBuilder>,
    #[cfg(feature = "outbound")]
    pub(super) outbound: OutboundBuilder,
    pub(super) work: WorkBuilder,
    pub(super) counts_panics: bool,
    #[cfg(feature = "db")]
    pub(super) databases: Vec<crate::db::Db>,
    #[cfg(feature = "telemetry")]
    pub(super) telemetry: Option<crate::telemetry::Telemetry>,
    #[cfg(feature = "tls")]
    pub(super) tls: crate::server::ServerTlsBuilder,
}

impl SreKitBuilder {
    pub(super) fn new(build: BuildInfo) -> Self {
        Self {
            registry: None,
            slos: Vec::new(),
            checkpoint: None,
            #[cfg(feature = "testing")]
            slo_clock: None,
            http: GoldenSignals::builder(),
            health: Health::builder().version(build.version().to_owned()),
            lifecycle: Lifecycle::builder(),
            #[cfg(feature = "admin")]
            admin: Some(crate::admin::Admin::builder()),
            #[cfg(feature = "outbound")]
            outbound: Outbound::builder(),
            work: Work::builder(),
            counts_panics: false,
            #[cfg(feature = "db")]
            databases: Vec::new(),
            #[cfg(feature = "telemetry")]
            telemetry: None,
            #[cfg(feature = "tls")]
            tls: crate::server::ServerTls::builder(),
            build,
        }
    }

    /// Sets the registry that all parts register their metrics in. Defaults to a new one.
    pub fn registry(mut self, registry: &Registry) -> Self {
        self.registry = Some(registry.clone());
        self
    }

    /// Sets where the label `http_route` comes from. Defaults to no routes.
    pub fn routes(self, source: impl Into<RouteSource>) -> Self {
        self.http(|http| http.routes(source))
    }

    /// Adds an SLO. A service without any counts its requests and has no error budget.
    pub fn slo(mut self, slo: Slo) -> Self {
        self.slos.push(slo);
        self
    }

    /// Adds SLOs.
    pub fn slos(mut self, slos: impl IntoIterator<Item = Slo>) -> Self {
        self.slos.extend(slos);
        self
    }

    /// Keeps the SLO windows in this file across restarts.
    pub fn slo_checkpoint(mut self, path: impl Into<PathBuf>) -> Self {
        self.checkpoint = Some(path.into());
        self
    }

    /// Declares a service that this one calls, see [`outbound`](crate::outbound).
    #[cfg(feature = "outbound")]
    #[cfg_attr(docsrs, doc(cfg(feature = "outbound")))]
    pub fn peer(self, peer: Peer) -> Self {
        self.outbound(|outbound| outbound.peer(peer))
    }

    /// Changes settings of the calls to other services.
    #[cfg(feature = "outbound")]
    #[cfg_attr(docsrs, doc(cfg(feature = "outbound")))]
    pub fn outbound(mut self, change: impl FnOnce(OutboundBuilder) -> OutboundBuilder) -> Self {
        self.outbound = change(self.outbound);
        self
    }

    /// Declares a unit of work, see [`work`](crate::work).
    pub fn work_unit(self, unit: WorkUnit) -> Self {
        self.work(|work| work.unit(unit))
    }

    /// Changes settings of the units of work.
    pub fn work(mut self, change: impl FnOnce(WorkBuilder) -> WorkBuilder) -> Self {
        self.work = change(self.work);
        self
    }

    /// Counts the panics of every thread, see [`count_panics`](crate::work::count_panics). It
    /// installs a panic hook in the process, which calls the one before it.
    pub fn count_panics(mut self) -> Self {
        self.counts_panics = true;
        self
    }

    /// Adds a health check. It is reported only, unless it gates startup or readiness.
    pub fn check(self, check: Check) -> Self {
        self.health(|health| health.check(check))
    }

    /// Adds a database: a check `database-NAME` that is reported, the pool's saturation (with
    /// the feature `saturation`), and closing the pool when the requests have been drained.
    #[cfg(feature = "db")]
    #[cfg_attr(docsrs, doc(cfg(feature = "db")))]
    pub fn database(mut self, db: &crate::db::Db) -> Self {
        self.databases.push(db.clone());
        self.check(database::check(db))
    }

    /// Sets the address of the admin listener. Defaults to `127.0.0.1:9464`.
    #[cfg(feature = "admin")]
    #[cfg_attr(docsrs, doc(cfg(feature = "admin")))]
    pub fn admin_address(self, address: impl fmt::Display) -> Self {
        self.admin(|admin| admin.listen(address))
    }

    /// Removes the admin listener. The service then has to show metrics and probes itself.
    #[cfg(feature = "admin")]
    #[cfg_attr(docsrs, doc(cfg(feature = "admin")))]
    pub fn without_admin(mut self) -> Self {
        self.admin = None;
        self
    }

    /// Changes settings of the layer.
    pub fn http(
        mut self,
        change: impl FnOnce(GoldenSignalsBuilder) -> GoldenSignalsBuilder,
    ) -> Self {
        self.http = change(self.http);
        self
    }

    /// Changes settings of the probes.
    pub fn health(mut self, change: impl FnOnce(HealthBuilder) -> HealthBuilder) -> Self {
        self.health = change(self.health);
        self
    }

    /// Changes settings of the admin listener and adds pages. Has no effect after
    /// [`without_admin`](Self::without_admin).
    #[cfg(feature = "admin")]
    #[cfg_attr(docsrs, doc(cfg(feature = "admin")))]
    pub fn admin(mut self, change: impl FnOnce(AdminBuilder) -> AdminBuilder) -> Self {
        self.admin = self.admin.map(change);
        self
    }

    /// Adds traces of the requests, metrics of the exporters, the page `/loglevel`, and the
    /// flush at the end of the graceful shutdown.
    #[cfg(feature = "telemetry")]
    #[cfg_attr(docsrs, doc(cfg(feature = "telemetry")))]
    pub fn telemetry(mut self, telemetry: &crate::telemetry::Telemetry) -> Self {
        self.telemetry = Some(telemetry.clone());
        #[cfg(feature = "admin")]
        let this = self.admin(|admin| admin.log_level(telemetry.log_level()));
        #[cfg(not(feature = "admin"))]
        let this = self;
        #[cfg(feature = "outbound")]
        let this = this.outbound(|outbound| outbound.telemetry(telemetry));
        this.http(|http| http.telemetry(telemetry))
    }

    /// Serves the service with TLS. By default it speaks plain HTTP. The admin listener has settings
    /// of its own, see [`AdminBuilder::tls`](crate::admin::AdminBuilder::tls).
    #[cfg(feature = "tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
    pub fn tls(mut self, tls: crate::server::ServerTlsBuilder) -> Self {
        self.tls = tls;
        self
    }

    /// Changes settings of the graceful shutdown.
    pub fn lifecycle(mut self, change: impl FnOnce(LifecycleBuilder) -> LifecycleBuilder) -> Self {
        self.lifecycle = change(self.lifecycle);
        self
    }

    /// Measures by the clocks of a test, and neither reads nor writes a checkpoint.
    #[cfg(feature = "testing")]
    pub(crate) fn for_test(
        mut self,
        slo_clock: crate::slo::Clock,
        request_clock: sre_kit_core::internal::Clock,
    ) -> Self {
        self.slo_clock = Some(slo_clock);
        self.checkpoint = None;
        self.http(|http| http.clock(request_clock))
    }

    /// Applies the environment variables in the table above. They override earlier settings.
    ///
    /// # Errors
    ///
    /// Returns an error if a variable is malformed.
    pub fn with_env(self) -> Result<Self, ConfigError> {
        self.with_vars(|name| std::env::var(name).ok())
    }

    /// Applies what `lookup` returns for the names in the table above.
    ///
    /// # Errors
    ///
    /// Returns an error if a value is malformed.
    pub fn with_vars(
        mut self,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        self.lifecycle = self.lifecycle.with_vars(&lookup)?;
        #[cfg(feature = "admin")]
        {
            self.admin = admin::with_vars(self.admin, &lookup)?;
        }
        #[cfg(feature = "tls")]
        {
            self.tls = self.tls.with_prefix(TLS, &lookup);
        }
        #[cfg(not(feature = "tls"))]
        crate::server::refuse_tls_variables(TLS, &lookup)?;
        Ok(self)
    }
}

impl fmt::Debug for SreKitBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SreKitBuilder")
            .field("build", &self.build)
            .field("lifecycle", &self.lifecycle)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::SreKitBuilder;

    #[test]
    fn a_builder_may_be_sent_to_another_thread() {
        fn assert_send<T: Send>() {}
        assert_send::<SreKitBuilder>();
    }
}
