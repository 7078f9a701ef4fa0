//! The wiring of the parts.

use super::SreKit;
#[cfg(feature = "admin")]
use super::admin;
use super::builder::SreKitBuilder;
#[cfg(feature = "db")]
use super::database;
use crate::ConfigError;
#[cfg(feature = "tls")]
use crate::golden_signals::Scheme;
use crate::server::{ConnectionMetrics, Server};
use crate::slo::{Budgets, EventSource, Slos};

impl SreKitBuilder {
    /// Checks all settings and wires the parts together. Does not listen yet.
    ///
    /// # Errors
    ///
    /// Returns the first setting that cannot work, of any part.
    pub fn build(self) -> Result<SreKit, ConfigError> {
        let registry = self.registry.unwrap_or_default();

        let service = self.build.service().to_owned();
        let slos = if self.slos.is_empty() {
            Slos::empty(service)?
        } else {
            Slos::new(service, self.slos)?
        };
        let mut budgets = Budgets::builder().slos(&slos);
        if let Some(path) = self.checkpoint {
            budgets = budgets.checkpoint(path);
        }
        #[cfg(feature = "testing")]
        if let Some(clock) = self.slo_clock {
            budgets = budgets.clock(clock);
        }
        let budgets = budgets.build(&registry)?;
        let server = Server::builder();
        let http = self.http;
        #[cfg(feature = "tls")]
        let (server, http) = if self.tls.is_empty() {
            (server, http)
        } else {
            (server.tls(&self.tls.build()?), http.default_scheme(Scheme::Https))
        };
        let signals = http.slos(&budgets).build(&registry)?;
        let has =
            |of: fn(&EventSource) -> bool| budgets.iter().any(|b| of(b.definition().source()));
        let has_calls = has(|source| matches!(source, EventSource::Calls(_)));
        // Without peers there are no families, so that a `telemetry::HttpClient` can have them.
        #[cfg(feature = "outbound")]
        let outbound = if self.outbound.is_empty() && !has_calls {
            None
        } else {
            Some(self.outbound.slos(&budgets).build(&registry)?)
        };
        #[cfg(not(feature = "outbound"))]
        if has_calls {
            return Err(ConfigError::new(
                "slo",
                "an SLO of a dependency",
                "this build counts no calls to others",
                "turn on the feature `outbound` of sre-kit",
            ));
        }
        let health = self.health.build(&registry)?;
        let has_work = has(|source| matches!(source, EventSource::Work(_)));
        let work = if self.work.is_empty() && !has_work {
            None
        } else {
            Some(super::work::build(self.work.slos(&budgets), &registry, &health)?)
        };
        if self.counts_panics {
            crate::work::count_panics(&registry)?;
        }

        #[cfg(feature = "saturation")]
        let saturation = super::saturation::build(&registry)?;
        #[cfg(all(feature = "db", feature = "saturation"))]
        for db in &self.databases {
            database::add_pool(&saturation, db)?;
        }

        let connections = ConnectionMetrics::new(&registry)?;
        let lifecycle =
            self.lifecycle.server(server.metrics(&connections)).health(&health).build(&registry)?;
        #[cfg(feature = "db")]
        for db in &self.databases {
            #[cfg(feature = "telemetry")]
            let keep_metrics = {
                use sre_kit_telemetry::internal::TelemetryInternals;
                let telemetry = self.telemetry.clone();
                move || telemetry.iter().for_each(TelemetryInternals::keep_metrics)
            };
            #[cfg(not(feature = "telemetry"))]
            let keep_metrics = || {};
            database::close_at_the_end(&lifecycle, db, keep_metrics);
        }

        #[cfg(feature = "telemetry")]
        if let Some(telemetry) = self.telemetry {
            telemetry.register(&registry)?;
            lifecycle.on_flush("telemetry", move |budget| {
                let report = telemetry.shutdown_blocking(budget);
                if report.is_complete() { Ok(()) } else { Err(report.to_string().into()) }
            });
        }

        #[cfg(feature = "admin")]
        let admin = if let Some(admin) = self.admin {
            let admin = admin.health(&health).connection_metrics(&connections);
            admin::build(admin, self.build, &health, &budgets, &registry)?
        } else {
            self.build.register(&registry)?;
            admin::AdminState::Off
        };
        #[cfg(not(feature = "admin"))]
        self.build.register(&registry)?;

        Ok(SreKit {
            registry,
            signals,
            #[cfg(feature = "outbound")]
            outbound,
            work,
            budgets,
            health,
            #[cfg(feature = "saturation")]
            saturation,
            lifecycle,
            #[cfg(feature = "admin")]
            admin,
        })
    }
}
