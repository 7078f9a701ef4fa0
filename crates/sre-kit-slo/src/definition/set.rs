//! All objectives of one service.

use std::fmt;
use std::sync::Arc;

use super::burn_tier::TierAdjustment;
use super::checked::Definition;
use super::names::check_name;
use super::slo::Slo;
use sre_kit_core::ConfigError;

/// The SLOs of one service, checked: what is measured in the process and what is
/// generated for the cluster both come from here.
///
/// Cloning is cheap and gives the same set.
#[derive(Clone)]
pub struct Slos {
    inner: Arc<Inner>,
}

struct Inner {
    service: String,
    slos: Vec<Definition>,
    notes: Vec<TierAdjustment>,
}

impl Slos {
    /// Checks the SLOs of `service` one by one and together.
    ///
    /// # Errors
    ///
    /// When there are none, two have one name, a name fits no label or file, a
    /// threshold or window is zero, a period is shorter than a window that was
    /// asked for, or an alert that was asked for could never fire or would fire
    /// by chance.
    pub fn new(
        service: impl Into<String>,
        slos: impl IntoIterator<Item = Slo>,
    ) -> Result<Self, ConfigError> {
        let service = service.into();
        check_name("slo.service", &service)?;
        let mut notes = Vec::new();
        let mut checked: Vec<Definition> = Vec::new();
        for slo in slos {
            let slo = Definition::check(slo, &mut notes)?;
            if checked.iter().any(|known| known.name() == slo.name()) {
                return Err(ConfigError::new(
                    "slo.name",
                    slo.name(),
                    format!("two SLOs of the service `{service}` have that name"),
                    "rename one: its counters and alerts are told apart by it",
                ));
            }
            checked.push(slo);
        }
        if checked.is_empty() {
            return Err(ConfigError::new(
                "slo",
                "an empty set",
                "a set has at least one SLO",
                "begin with `Slo::availability(\"availability\", Objective::percent(99.9)?)`",
            ));
        }
        Ok(Self { inner: Arc::new(Inner { service, slos: checked, notes }) })
    }

    /// A service that has no SLO yet: nothing is counted and nothing burns.
    pub fn none(service: impl Into<String>) -> Result<Self, ConfigError> {
        let service = service.into();
        check_name("slo.service", &service)?;
        Ok(Self { inner: Arc::new(Inner { service, slos: Vec::new(), notes: Vec::new() }) })
    }

    /// The value of the label `service`.
    pub fn service(&self) -> &str {
        &self.inner.service
    }

    /// The SLOs, in the order in which they were written.
    pub fn iter(&self) -> std::slice::Iter<'_, Definition> {
        self.inner.slos.iter()
    }

    /// The SLO of this name.
    pub fn get(&self, name: &str) -> Option<&Definition> {
        self.iter().find(|slo| slo.name() == name)
    }

    /// How many there are: at least one.
    #[allow(clippy::len_without_is_empty, reason = "a set is never empty")]
    pub fn len(&self) -> usize {
        self.inner.slos.len()
    }

    /// Standard tiers that were left out or changed, since they could not work.
    pub fn notes(&self) -> &[TierAdjustment] {
        &self.inner.notes
    }
}

impl<'a> IntoIterator for &'a Slos {
    type Item = &'a Definition;
    type IntoIter = std::slice::Iter<'a, Definition>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Debug for Slos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slos")
            .field("service", &self.inner.service)
            .field("slos", &self.iter().map(Definition::name).collect::<Vec<_>>())
            .finish()
    }
}
