//! The SLOs of one service.

use std::fmt;
use std::sync::Arc;

use super::definition::Definition;
use super::dependency_gap::DependencyGap;
use super::names::check_name;
use super::slo::Slo;
use super::tier_adjustment::TierAdjustment;
use sre_kit_core::ConfigError;

/// The validated SLOs of one service: the single source for what the process counts and for what
/// is generated for the cluster.
///
/// A clone shares the set and costs one reference count.
#[derive(Clone)]
pub struct Slos {
    inner: Arc<Inner>,
}

struct Inner {
    service: String,
    slos: Vec<Definition>,
    tier_adjustments: Vec<TierAdjustment>,
    dependency_gaps: Vec<DependencyGap>,
}

impl Slos {
    /// Validates the SLOs of `service`, one by one and together.
    ///
    /// # Errors
    ///
    /// Returns an error if
    ///
    /// - there is no SLO, or two have the same name;
    /// - a name does not fit a label, a file or a Kubernetes object: 1 to 63 lower-case letters,
    ///   digits and `-`;
    /// - a threshold or a window is zero, or a period is not between one hour and 400 days;
    /// - a window of a tier that [`Slo::tiers`] set is longer than the period;
    /// - a tier that [`Slo::tiers`] set could never fire, or would page by chance at the objective;
    /// - a label is invalid or one that the rules set themselves.
    pub fn new(
        service: impl Into<String>,
        slos: impl IntoIterator<Item = Slo>,
    ) -> Result<Self, ConfigError> {
        let service = service.into();
        check_name("slo.service", &service)?;
        let mut tier_adjustments = Vec::new();
        let mut definitions: Vec<Definition> = Vec::new();
        for slo in slos {
            let slo = Definition::new(slo, &mut tier_adjustments)?;
            if definitions.iter().any(|known| known.name() == slo.name()) {
                return Err(ConfigError::new(
                    "slo.name",
                    slo.name(),
                    format!("two SLOs of the service `{service}` have that name"),
                    "rename one: the name distinguishes its counters and alerts",
                ));
            }
            definitions.push(slo);
        }
        if definitions.is_empty() {
            return Err(ConfigError::new(
                "slo",
                "an empty set",
                "a set has at least one SLO",
                "begin with `Slo::availability(\"availability\", Objective::percent(99.9)?)`",
            ));
        }
        let (slos, dependency_gaps) = (definitions, Vec::new());
        let mut inner = Inner { service, slos, tier_adjustments, dependency_gaps };
        inner.dependency_gaps = DependencyGap::find(&inner.slos);
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Creates the empty set of a service that has no SLO yet.
    ///
    /// [`new`](Self::new) rejects an empty set, because a forgotten SLO is a mistake more often
    /// than a choice.
    ///
    /// # Errors
    ///
    /// Returns an error if the name of the service does not fit a label.
    ///
    /// ```
    /// use sre_kit_slo::Slos;
    ///
    /// let slos = Slos::empty("shop")?;
    /// assert_eq!(slos.service(), "shop");
    /// assert!(slos.is_empty());
    /// # Ok::<(), sre_kit_slo::ConfigError>(())
    /// ```
    pub fn empty(service: impl Into<String>) -> Result<Self, ConfigError> {
        let service = service.into();
        check_name("slo.service", &service)?;
        let (slos, tier_adjustments, dependency_gaps) = (Vec::new(), Vec::new(), Vec::new());
        let inner = Inner { service, slos, tier_adjustments, dependency_gaps };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Returns the name of the service, which is the value of the label `service`.
    pub fn service(&self) -> &str {
        &self.inner.service
    }

    /// Returns an iterator over the SLOs, in the order in which they were written.
    pub fn iter(&self) -> std::slice::Iter<'_, Definition> {
        self.inner.slos.iter()
    }

    /// Returns the SLO called `name`, if there is one.
    pub fn get(&self, name: &str) -> Option<&Definition> {
        self.iter().find(|slo| slo.name() == name)
    }

    /// Returns the number of SLOs.
    pub fn len(&self) -> usize {
        self.inner.slos.len()
    }

    /// Returns whether there is no SLO, as in a set of [`empty`](Self::empty).
    pub fn is_empty(&self) -> bool {
        self.inner.slos.is_empty()
    }

    /// Returns the standard tiers that were left out or changed because they could not work.
    pub fn tier_adjustments(&self) -> &[TierAdjustment] {
        &self.inner.tier_adjustments
    }

    /// Returns the SLOs of the service that promise more than its dependencies do. The generated
    /// README names them.
    pub fn dependency_gaps(&self) -> &[DependencyGap] {
        &self.inner.dependency_gaps
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
