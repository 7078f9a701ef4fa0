//! The SLOs that a layer counts requests for.

use sre_kit_metrics::internal::ShardId;
use sre_kit_slo::{Definition, EventSource, Indicator};

use super::exclusion::{ExclusionId, ExclusionReasons};
use super::outcome::Outcome;
use super::route::{RouteSource, Source};
use super::slo_counter::SloCounter;
use crate::ConfigError;
use crate::budget::{Budget, Budgets};
use sre_kit_core::internal::METHODS;

/// The SLOs that a layer counts requests for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Objectives {
    budgets: Vec<Budget>,
    reasons: ExclusionReasons,
}

impl Objectives {
    /// Adds the SLOs that select requests. The caller counts ratios, and other layers count calls
    /// and work.
    pub(crate) fn add(&mut self, budgets: &Budgets) {
        let counted = |budget: &&Budget| {
            let slo = budget.definition();
            slo.indicator() != Indicator::Ratio && *slo.source() == EventSource::Requests
        };
        for budget in budgets.iter().filter(counted) {
            for reason in budget.definition().exclusions() {
                self.reasons.add(reason);
            }
            self.budgets.push(budget.clone());
        }
    }

    /// Returns the id of an exclusion reason, or `None` if no SLO declares it.
    pub(crate) fn exclusion(&self, reason: &str) -> Option<ExclusionId> {
        self.reasons.id(reason)
    }

    fn definitions(&self) -> impl Iterator<Item = &Definition> {
        self.budgets.iter().map(Budget::definition)
    }

    /// Checks that this layer can produce every route, method and outcome that an SLO names.
    pub(crate) fn check(
        &self,
        source: &RouteSource,
        excluded: impl Fn(&str) -> bool,
    ) -> Result<(), ConfigError> {
        for slo in self.definitions() {
            for route in slo.routes() {
                check_route(slo, route, source, excluded(route))?;
            }
            if let Some(unknown) = slo.methods().iter().find(|m| !METHODS.contains(&m.as_str())) {
                return Err(refuse(
                    slo,
                    unknown,
                    "the layer folds that method into `_OTHER`",
                    format!("the methods are {}", METHODS.join(", ")),
                ));
            }
            let known = |name: &str| Outcome::ALL.iter().any(|outcome| outcome.as_str() == name);
            if let Some(unknown) = slo.outcomes().find(|name| !known(name)) {
                let names: Vec<_> = Outcome::ALL.iter().map(|outcome| outcome.as_str()).collect();
                return Err(refuse(
                    slo,
                    unknown,
                    "no request ends in that outcome",
                    format!("the outcomes are {}", names.join(", ")),
                ));
            }
        }
        Ok(())
    }

    /// Returns every route that an SLO names.
    pub(crate) fn routes(&self) -> impl Iterator<Item = &str> {
        self.definitions().flat_map(Definition::routes).map(String::as_str)
    }

    /// Creates the counters of the SLOs that select a route and method, for one shard.
    pub(crate) fn counters(
        &self,
        route: Option<&str>,
        method: usize,
        shard: ShardId,
    ) -> Box<[SloCounter]> {
        let selects = |budget: &&Budget| {
            let slo = budget.definition();
            let (routes, methods) = (slo.routes(), slo.methods());
            (routes.is_empty() || route.is_some_and(|route| routes.iter().any(|r| r == route)))
                && (methods.is_empty() || methods.iter().any(|m| m == METHODS[method]))
        };
        let selected = self.budgets.iter().filter(selects);
        selected.map(|budget| SloCounter::new(&self.reasons, budget, shard)).collect()
    }
}

fn check_route(
    slo: &Definition,
    route: &str,
    source: &RouteSource,
    excluded: bool,
) -> Result<(), ConfigError> {
    if excluded {
        return Err(refuse(
            slo,
            route,
            "that route is excluded from the golden signals, so nothing would be counted",
            "drop it from the SLO, or do not exclude it",
        ));
    }
    match &source.0 {
        Source::None => Err(refuse(
            slo,
            route,
            "the layer has no routes, so nothing would be counted",
            "declare them with `.routes(..)`, or count all requests",
        )),
        Source::Table(table) if !table.templates().iter().any(|known| known == route) => {
            Err(refuse(
                slo,
                route,
                "the route table does not declare it, so nothing would be counted",
                "spell it as the table does",
            ))
        }
        _ => Ok(()),
    }
}

fn refuse(
    slo: &Definition,
    value: &str,
    rule: &'static str,
    advice: impl Into<std::borrow::Cow<'static, str>>,
) -> ConfigError {
    ConfigError::new(format!("slo `{}`", slo.name()), value, rule, advice)
}
