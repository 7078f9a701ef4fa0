//! Each request against the SLOs that select it, once, at its end.

use std::num::NonZeroU16;
use std::time::Duration;

use super::outcome::Outcome;
use super::route::{RouteSource, Source};
use super::series::End;
use super::series::key::METHODS;
use crate::ConfigError;
use crate::budget::{Budget, BudgetCells, Budgets};
use sre_kit_metrics::internal::{ShardId, ShardedCells};
use sre_kit_slo::{Definition, EventClass, Indicator, LatencyEnd};

/// Leaves a request out of the SLOs that declare this reason with
/// [`Slo::exclude_marked`](crate::slo::Slo::exclude_marked). Others count it as
/// any request.
///
/// Put it into the extensions of a response, or mark requests as they come in
/// with [`GoldenSignalsBuilder::slo_exclusion`](super::GoldenSignalsBuilder::slo_exclusion).
///
/// ```
/// use sre_kit::golden_signals::SloExclusion;
///
/// let mut response = http::Response::new(());
/// response.extensions_mut().insert(SloExclusion::new("synthetic"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SloExclusion(&'static str);

impl SloExclusion {
    /// Creates a mark with this reason.
    pub const fn new(reason: &'static str) -> Self {
        Self(reason)
    }

    /// Returns the reason.
    pub const fn reason(self) -> &'static str {
        self.0
    }
}

/// A reason that some SLO declares, by its place among those of the layer: a
/// request carries it along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark(NonZeroU16);

/// The SLOs that a layer counts for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Objectives {
    budgets: Vec<Budget>,
    /// Every reason that one of them declares, once.
    marks: Vec<Box<str>>,
}

impl Objectives {
    /// Takes in all that select requests; ratios are counted by the caller.
    pub(crate) fn add(&mut self, budgets: &Budgets) {
        let counted = |budget: &&Budget| budget.definition().indicator() != Indicator::Ratio;
        for budget in budgets.iter().filter(counted) {
            for mark in budget.definition().exclusions() {
                if self.mark(mark).is_none() {
                    self.marks.push(mark.as_str().into());
                }
            }
            self.budgets.push(budget.clone());
        }
    }

    /// The mark that this text stands for. `None` where no SLO declares it.
    pub(crate) fn mark(&self, text: &str) -> Option<Mark> {
        let place = self.marks.iter().position(|known| **known == *text)?;
        u16::try_from(place + 1).ok().and_then(NonZeroU16::new).map(Mark)
    }

    fn definitions(&self) -> impl Iterator<Item = &Definition> {
        self.budgets.iter().map(Budget::definition)
    }

    /// Checks that everything they name can occur.
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

    /// Every route that they name.
    pub(crate) fn routes(&self) -> impl Iterator<Item = &str> {
        self.definitions().flat_map(Definition::routes).map(String::as_str)
    }

    /// What counts the requests of one route and method in one column.
    pub(crate) fn judges(
        &self,
        route: Option<&str>,
        method: usize,
        place: ShardId,
    ) -> Box<[Judge]> {
        let selects = |budget: &&Budget| {
            let slo = budget.definition();
            let (routes, methods) = (slo.routes(), slo.methods());
            (routes.is_empty() || route.is_some_and(|route| routes.iter().any(|r| r == route)))
                && (methods.is_empty() || methods.iter().any(|m| m == METHODS[method]))
        };
        self.budgets.iter().filter(selects).map(|budget| Judge::new(self, budget, place)).collect()
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

/// What one outcome does to one SLO. Reasons are places among the declared ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Good,
    Bad,
    ByDuration,
    BadIfSlow(usize),
    Excluded(usize),
    Ignored,
}

/// Counts requests for one SLO, from one column.
pub(crate) struct Judge {
    cells: BudgetCells,
    acts: [Act; Outcome::ALL.len()],
    /// In nanoseconds; durations up to it are good.
    threshold: u64,
    until_headers: bool,
    /// What a stream does instead, if it is told apart.
    stream: Option<Act>,
    marks: Box<[(Mark, Act)]>,
}

impl Judge {
    fn new(all: &Objectives, budget: &Budget, place: ShardId) -> Self {
        let slo = budget.definition();
        let excluded = |reason: &str| {
            // Every reason of a definition is declared by it.
            slo.reasons().iter().position(|r| r == reason).map_or(Act::Ignored, Act::Excluded)
        };
        let act = |outcome: Outcome| match slo.class_of(outcome.as_str()) {
            EventClass::Good => Act::Good,
            EventClass::Bad => Act::Bad,
            EventClass::ByDuration => Act::ByDuration,
            EventClass::Excluded(reason) => excluded(reason),
            EventClass::BadIfSlow(reason) => match excluded(reason) {
                Act::Excluded(place) => Act::BadIfSlow(place),
                other => other,
            },
            EventClass::Ignored => Act::Ignored,
        };
        let (threshold, until) = match slo.indicator() {
            Indicator::Latency { threshold, until } => (threshold, until),
            _ => (Duration::MAX, LatencyEnd::Body),
        };
        Self {
            cells: budget.cells(place),
            acts: Outcome::ALL.map(act),
            threshold: u64::try_from(threshold.as_nanos()).unwrap_or(u64::MAX),
            until_headers: until == LatencyEnd::Headers,
            stream: slo.excludes_streams().map(excluded),
            marks: slo
                .exclusions()
                .iter()
                .filter_map(|m| Some((all.mark(m)?, excluded(m))))
                .collect(),
        }
    }

    /// Counts one request, from the thread at `here`.
    #[inline]
    pub(crate) fn count(&self, end: &End, all: &ShardedCells, here: ShardId) {
        let mut act = self.acts[end.outcome as usize];
        if act == Act::Ignored {
            return;
        }
        if end.stream.is_some()
            && let Some(instead) = self.stream
        {
            act = instead;
        }
        if let Some(mark) = end.mark {
            act = self.marked(mark).unwrap_or(act);
        }
        let slow = || {
            let whole = !self.until_headers;
            let nanos = if whole { end.nanos } else { end.to_headers.unwrap_or(end.nanos) };
            nanos > self.threshold
        };
        match act {
            Act::Bad => self.cells.bad(all, here),
            Act::ByDuration | Act::BadIfSlow(_) if slow() => self.cells.bad(all, here),
            Act::Good | Act::ByDuration => self.cells.good(all, here),
            Act::BadIfSlow(reason) | Act::Excluded(reason) => {
                self.cells.excluded(reason, all, here);
            }
            Act::Ignored => {}
        }
    }

    #[cold]
    fn marked(&self, mark: Mark) -> Option<Act> {
        self.marks.iter().find(|(known, _)| *known == mark).map(|(_, act)| *act)
    }
}
