//! Promises that the dependencies of a service do not allow.

use std::fmt;

use super::definition::Definition;
use super::event_source::EventSource;
use super::indicator::Indicator;

/// An availability SLO of the service that promises more than its dependencies do.
///
/// A call that fails makes a request fail, unless the service retries it or does without it. So the
/// sum of the error budgets of the dependencies, each times [the share of requests that need
/// it](crate::Slo::share), has to fit into the error budget of the service. [`Display`](fmt::Display)
/// says by how much it does not.
#[derive(Clone, Debug, PartialEq)]
pub struct DependencyGap {
    slo: String,
    text: String,
}

impl DependencyGap {
    /// Returns the name of the SLO that promises too much.
    pub fn slo(&self) -> &str {
        &self.slo
    }

    /// Returns the SLOs of requests of all routes whose budget the dependencies exceed.
    pub(super) fn find(slos: &[Definition]) -> Vec<Self> {
        let available = |slo: &&Definition| slo.indicator() == Indicator::Availability;
        let dependencies: Vec<_> = slos
            .iter()
            .filter(available)
            .filter(|slo| matches!(slo.source(), EventSource::Calls(_)) && slo.routes().is_empty())
            .collect();
        let budget = |slo: &Definition| slo.objective().error_budget().as_f64();
        let allowed: f64 = dependencies.iter().map(|slo| slo.share() * budget(slo)).sum();
        slos.iter()
            .filter(available)
            .filter(|slo| *slo.source() == EventSource::Requests && slo.routes().is_empty())
            // Beyond what the rounding of a sum can add.
            .filter(|slo| allowed > budget(slo) * (1.0 + 1e-9))
            .map(|slo| {
                let names: Vec<_> = dependencies
                    .iter()
                    .map(|slo| format!("`{}` ({} %)", slo.name(), slo.objective()))
                    .collect();
                let text = format!(
                    "SLO `{}` promises {} %, but its dependencies {} may fail {:.3} % of requests; \
                     retry or do without what they answer, set the share of requests that need \
                     them, or promise less",
                    slo.name(),
                    slo.objective(),
                    names.join(", "),
                    allowed * 100.0,
                );
                Self { slo: slo.name().to_owned(), text }
            })
            .collect()
    }
}

impl fmt::Display for DependencyGap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
