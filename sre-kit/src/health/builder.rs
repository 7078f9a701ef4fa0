use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tokio::sync::{Mutex, watch};

use super::board::Board;
use super::check::Check;
use super::handlers::{Identity, ShowDetails};
use super::instruments::Instruments;
use super::{Health, Inner};
use crate::ConfigError;
use crate::metrics::Registry;

/// Builds [`Health`].
#[derive(Debug)]
#[must_use = "nothing is checked before `build`"]
pub struct HealthBuilder {
    checks: Vec<Check>,
    details: ShowDetails,
    identity: Identity,
}

impl HealthBuilder {
    pub(super) fn new() -> Self {
        Self { checks: Vec::new(), details: ShowDetails::never(), identity: Identity::default() }
    }

    /// Adds a check.
    pub fn check(mut self, check: Check) -> Self {
        self.checks.push(check);
        self
    }

    /// Who may read what a check said. Nobody unless set: an error's text may hold
    /// host names and more, and probes are open to all who reach the port.
    pub fn show_details(mut self, details: ShowDetails) -> Self {
        self.details = details;
        self
    }

    /// `serviceId` in `application/health+json`.
    pub fn service_id(mut self, id: impl Into<String>) -> Self {
        self.identity.service_id = Some(id.into());
        self
    }

    /// `version` in `application/health+json`: that of the service's interface.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.identity.version = Some(version.into());
        self
    }

    /// `releaseId` in `application/health+json`: that of the build.
    pub fn release_id(mut self, id: impl Into<String>) -> Self {
        self.identity.release_id = Some(id.into());
        self
    }

    /// `description` in `application/health+json`.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.identity.description = Some(text.into());
        self
    }

    /// Checks the settings and registers the metrics. Nothing runs yet: see
    /// [`Health::spawn`].
    ///
    /// # Errors
    ///
    /// When a check's name is malformed or taken, when its interval, timeout, rise,
    /// fall or jitter cannot work, or when the registry holds a `Health` already.
    pub fn build(self, registry: &Registry) -> Result<Health, ConfigError> {
        let (mut specs, mut runs, mut names) = (Vec::new(), Vec::new(), HashSet::new());
        for check in self.checks {
            let (spec, run) = check.resolve()?;
            if !names.insert(spec.name.clone()) {
                return Err(ConfigError::new(
                    "check name",
                    spec.name,
                    "another check has that name, and a name tells them apart in paths and metrics",
                    "rename one of them",
                ));
            }
            specs.push(spec);
            runs.push(run);
        }
        let specs: Arc<[_]> = specs.into();
        let board = watch::Sender::new(Arc::new(Board::new(specs.len())));
        let instruments = Instruments::new(registry, &specs, &board)?;
        Ok(Health {
            inner: Arc::new(Inner {
                specs,
                runs: runs.into(),
                board,
                instruments,
                details: self.details,
                identity: self.identity,
                running: Mutex::new(()),
                next_latch: AtomicU64::new(0),
            }),
        })
    }
}
