//! Settings of the kit: those of its parts, in one place.

use std::fmt;
use std::path::PathBuf;

use tokio::runtime::Handle;

use super::{AdminState, SreKit};
use crate::ConfigError;
use crate::admin::{Admin, AdminBuilder, Page};
use crate::golden_signals::{GoldenSignals, GoldenSignalsBuilder, RouteSource};
use crate::health::{Check, Health, HealthBuilder};
use crate::lifecycle::{ConnectionMetrics, Lifecycle, LifecycleBuilder, Server};
use crate::metrics::{BuildInfo, ProcessMetrics, Registry};
use crate::saturation::Saturation;
use crate::slo::{Budgets, Slo, Slos};

/// The variable that says where the admin listener is.
const ADMIN: &str = "SRE_KIT_ADMIN";

type Change<T> = Vec<Box<dyn FnOnce(T) -> T>>;

/// Builds a [`SreKit`].
///
/// What has no method here is set on the part's own builder, which
/// [`http`](Self::http), [`probes`](Self::probes), [`admin`](Self::admin) and
/// [`shutdown`](Self::shutdown) hand out.
///
/// | Environment, by [`env`](Self::env) | Sets |
/// |---|---|
/// | `SRE_KIT_ADMIN` | the admin address; `off` for no admin listener |
/// | `SRE_KIT_DRAIN_DELAY` and so on | see [`LifecycleBuilder`] |
#[must_use = "nothing happens before `build`"]
pub struct SreKitBuilder {
    build: BuildInfo,
    registry: Option<Registry>,
    slos: Vec<Slo>,
    checkpoint: Option<PathBuf>,
    checks: Vec<Check>,
    has_admin: bool,
    lifecycle: LifecycleBuilder,
    #[cfg(feature = "db")]
    databases: Vec<crate::db::Db>,
    http: Change<GoldenSignalsBuilder>,
    probes: Change<HealthBuilder>,
    admin: Change<AdminBuilder>,
    #[cfg(feature = "telemetry")]
    telemetry: Option<crate::telemetry::Telemetry>,
}

impl SreKitBuilder {
    pub(super) fn new(build: BuildInfo) -> Self {
        Self {
            build,
            registry: None,
            slos: Vec::new(),
            checkpoint: None,
            checks: Vec::new(),
            has_admin: true,
            lifecycle: Lifecycle::builder(),
            #[cfg(feature = "db")]
            databases: Vec::new(),
            http: Vec::new(),
            probes: Vec::new(),
            admin: Vec::new(),
            #[cfg(feature = "telemetry")]
            telemetry: None,
        }
    }

    /// Registers everything in `registry` instead of a new one.
    pub fn registry(mut self, registry: &Registry) -> Self {
        self.registry = Some(registry.clone());
        self
    }

    /// Where `http_route` comes from. No routes unless set.
    pub fn routes(self, source: impl Into<RouteSource> + 'static) -> Self {
        self.http(move |http| http.routes(source))
    }

    /// Adds an SLO. Without any, requests are counted and nothing has a budget.
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

    /// Adds a health check. It reports, unless it says that it gates.
    pub fn check(mut self, check: Check) -> Self {
        self.checks.push(check);
        self
    }

    /// Takes a database in: a check `database-NAME` that reports, its pool among the
    /// saturation, and its end when the requests have been drained.
    #[cfg(feature = "db")]
    pub fn database(mut self, db: &crate::db::Db) -> Self {
        self.databases.push(db.clone());
        self
    }

    /// Where the admin listener is: `127.0.0.1:9464` unless set.
    pub fn admin_address(self, address: impl fmt::Display) -> Self {
        let address = address.to_string();
        self.admin(move |admin| admin.listen(address))
    }

    /// No admin listener. Metrics and probes are then for the service to show.
    pub fn without_admin(mut self) -> Self {
        self.has_admin = false;
        self
    }

    /// Settings of the layer.
    pub fn http(
        mut self,
        change: impl FnOnce(GoldenSignalsBuilder) -> GoldenSignalsBuilder + 'static,
    ) -> Self {
        self.http.push(Box::new(change));
        self
    }

    /// Settings of the probes.
    pub fn probes(mut self, change: impl FnOnce(HealthBuilder) -> HealthBuilder + 'static) -> Self {
        self.probes.push(Box::new(change));
        self
    }

    /// Settings of the admin listener, and pages of one's own.
    pub fn admin(mut self, change: impl FnOnce(AdminBuilder) -> AdminBuilder + 'static) -> Self {
        self.admin.push(Box::new(change));
        self
    }

    /// Traces of the requests, what becomes of the telemetry as metrics, the log
    /// level as the page `/loglevel`, and the flush on the way out.
    #[cfg(feature = "telemetry")]
    pub fn telemetry(mut self, telemetry: &crate::telemetry::Telemetry) -> Self {
        self.telemetry = Some(telemetry.clone());
        let (traces, level) = (telemetry.clone(), telemetry.log_level().clone());
        self.http(move |http| http.telemetry(&traces)).admin(move |admin| admin.log_level(&level))
    }

    /// Settings of the way out.
    pub fn shutdown(mut self, change: impl FnOnce(LifecycleBuilder) -> LifecycleBuilder) -> Self {
        self.lifecycle = change(self.lifecycle);
        self
    }

    /// Takes what the environment sets; it wins over what was set before.
    ///
    /// # Errors
    ///
    /// When a variable is malformed.
    pub fn env(self) -> Result<Self, ConfigError> {
        self.vars(|name| std::env::var(name).ok())
    }

    /// Takes what `lookup` gives for the names in the table above.
    ///
    /// # Errors
    ///
    /// When a value is malformed.
    pub fn vars(mut self, lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        self.lifecycle = self.lifecycle.vars(&lookup)?;
        Ok(match lookup(ADMIN).map(|value| value.trim().to_owned()).as_deref() {
            None | Some("") => self,
            Some("off") => self.without_admin(),
            Some(address) => self.admin_address(address),
        })
    }

    /// Checks everything and wires it together. Nothing is listened to yet.
    ///
    /// # Errors
    ///
    /// The first setting that cannot work, of whichever part.
    pub fn build(self) -> Result<SreKit, ConfigError> {
        let registry = self.registry.unwrap_or_default();
        ProcessMetrics::register(&registry)?;

        let service = self.build.service().to_owned();
        let slos = if self.slos.is_empty() {
            Slos::none(service)?
        } else {
            Slos::new(service, self.slos)?
        };
        let mut budgets = Budgets::builder(&registry, &slos);
        if let Some(path) = self.checkpoint {
            budgets = budgets.checkpoint(path);
        }
        let budgets = budgets.build()?;
        let signals = apply(GoldenSignals::builder(&registry).slos(&budgets), self.http).build()?;

        let health = self.checks.into_iter().fold(
            Health::builder(&registry).version(self.build.version().to_owned()),
            HealthBuilder::check,
        );
        #[cfg(feature = "db")]
        let health = self.databases.iter().fold(health, super::database::check);
        let health = apply(health, self.probes).build()?;

        let mut saturation = Saturation::builder(&registry);
        if let Ok(runtime) = Handle::try_current() {
            saturation = saturation.runtime(runtime);
        }
        let saturation = saturation.build()?;
        #[cfg(feature = "db")]
        for db in &self.databases {
            super::database::add_pool(&saturation, db)?;
        }

        let connections = ConnectionMetrics::new(&registry)?;
        let lifecycle = self
            .lifecycle
            .metrics(&registry)
            .server(Server::builder("main").metrics(&connections))
            .health(&health)
            .build()?;
        #[cfg(feature = "db")]
        for db in &self.databases {
            super::database::close_at_the_end(&lifecycle, db);
        }

        #[cfg(feature = "telemetry")]
        if let Some(telemetry) = self.telemetry {
            telemetry.register(&registry)?;
            lifecycle.on_flush("telemetry", move |budget| {
                let flushed = telemetry.shutdown_blocking(budget);
                if flushed.is_complete() { Ok(()) } else { Err(flushed.to_string().into()) }
            });
        }

        let admin = if self.has_admin {
            #[cfg(feature = "console")]
            let console = crate::admin::Console::builder(&registry)
                .build_info(&self.build)
                .health(&health)
                .budgets(&budgets)
                .build();
            let admin = Admin::builder(&registry)
                .build_info(self.build)
                .health(&health)
                .connection_metrics(&connections)
                .page(slo_page(&budgets));
            #[cfg(feature = "console")]
            let admin = admin.console(&console);
            AdminState::Ready(Box::new(apply(admin, self.admin).build()?))
        } else {
            self.build.register(&registry)?;
            AdminState::Off
        };
        Ok(SreKit { registry, signals, budgets, health, saturation, lifecycle, admin })
    }
}

fn apply<T>(builder: T, changes: Change<T>) -> T {
    changes.into_iter().fold(builder, |builder, change| change(builder))
}

fn slo_page(budgets: &Budgets) -> Page {
    let (json, text) = (budgets.clone(), budgets.clone());
    Page::document(
        "/slo",
        "Error budgets and burn rates of this process.",
        move || json.report().to_json().to_string(),
        move || text.report().to_string(),
    )
}

impl fmt::Debug for SreKitBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SreKitBuilder")
            .field("build", &self.build)
            .field("lifecycle", &self.lifecycle)
            .finish_non_exhaustive()
    }
}
