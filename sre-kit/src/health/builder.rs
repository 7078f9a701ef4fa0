//! The builder of [`Health`].

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tokio::sync::{Mutex, watch};

use super::check::Check;
use super::handle::{Health, Inner};
use super::health_state::HealthState;
use super::identity::Identity;
use super::instruments::Instruments;
use super::show_details::ShowDetails;
use crate::ConfigError;
use crate::metrics::Registry;

impl Health {
    /// Creates probes without checks: startup needs the latches only.
    ///
    /// # Errors
    ///
    /// Returns an error if `registry` holds metrics of the same names, for example those of another
    /// `Health`.
    pub fn new(registry: &Registry) -> Result<Self, ConfigError> {
        Self::builder().build(registry)
    }

    /// Creates a builder without checks.
    pub fn builder() -> HealthBuilder {
        HealthBuilder {
            checks: Vec::new(),
            details: ShowDetails::never(),
            identity: Identity::default(),
        }
    }
}

/// A builder of [`Health`].
#[derive(Debug)]
#[must_use = "nothing is checked before `build`"]
pub struct HealthBuilder {
    checks: Vec<Check>,
    details: ShowDetails,
    identity: Identity,
}

impl HealthBuilder {
    /// Adds a check.
    pub fn check(mut self, check: Check) -> Self {
        self.checks.push(check);
        self
    }

    /// Sets which requests see details. Defaults to [`ShowDetails::never`], because an error's text
    /// may contain host names and probes are open to every client that reaches the port.
    pub fn show_details(mut self, details: ShowDetails) -> Self {
        self.details = details;
        self
    }

    /// Sets `serviceId` in `application/health+json`. Defaults to none.
    pub fn service_id(mut self, id: impl Into<String>) -> Self {
        self.identity.service_id = Some(id.into());
        self
    }

    /// Sets `version` in `application/health+json`, the version of the service's interface.
    /// Defaults to none.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.identity.version = Some(version.into());
        self
    }

    /// Sets `releaseId` in `application/health+json`, the version of the build. Defaults to none.
    pub fn release_id(mut self, id: impl Into<String>) -> Self {
        self.identity.release_id = Some(id.into());
        self
    }

    /// Sets `description` in `application/health+json`. Defaults to none.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.identity.description = Some(text.into());
        self
    }

    /// Validates the settings and registers the metrics in `registry`. No check runs before
    /// [`Health::spawn`].
    ///
    /// # Errors
    ///
    /// Returns an error if
    /// - the name of a check is malformed or another check has it,
    /// - an interval, timeout, rise, fall or jitter is out of its range, or
    /// - `registry` already has the metrics of a `Health`.
    pub fn build(self, registry: &Registry) -> Result<Health, ConfigError> {
        let (mut specs, mut check_fns, mut names) = (Vec::new(), Vec::new(), HashSet::new());
        for check in self.checks {
            let (spec, check_fn) = check.resolve()?;
            if !names.insert(spec.name.clone()) {
                return Err(ConfigError::new(
                    "check name",
                    spec.name,
                    "another check has that name, and a name tells them apart in paths and metrics",
                    "rename one of them",
                ));
            }
            specs.push(spec);
            check_fns.push(check_fn);
        }
        let specs: Arc<[_]> = specs.into();
        let state = watch::Sender::new(Arc::new(HealthState::new(specs.len())));
        let instruments = Instruments::new(registry, &specs, &state)?;
        Ok(Health {
            inner: Arc::new(Inner {
                specs,
                check_fns: check_fns.into(),
                state,
                instruments,
                details: self.details,
                identity: self.identity,
                running: Mutex::new(()),
                next_latch: AtomicU64::new(0),
            }),
        })
    }
}
