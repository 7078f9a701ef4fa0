//! One validated SLO.

use super::burn_tier::BurnTier;
use super::event_class::{EventClass, STREAM};
use super::event_source::EventSource;
use super::indicator::Indicator;
use super::period::Period;
use super::resolve::resolve_tiers;
use super::slo::Slo;
use super::tier_adjustment::TierAdjustment;
use super::validate::validate;
use super::window::Window;
use crate::Objective;
use sre_kit_core::ConfigError;

/// One validated SLO of a set, to be read by code that counts, renders or displays it.
///
/// [`Slos`](super::Slos) holds the definitions of a service.
#[derive(Clone, Debug)]
pub struct Definition {
    slo: Slo,
    tiers: Vec<BurnTier>,
    windows: Vec<Window>,
    reasons: Vec<String>,
}

impl Definition {
    /// Returns the name, which is the value of the label `slo`.
    pub fn name(&self) -> &str {
        &self.slo.name
    }

    /// Returns what is measured.
    pub fn indicator(&self) -> Indicator {
        self.slo.indicator
    }

    /// Returns where its events come from.
    pub fn source(&self) -> &EventSource {
        &self.slo.source
    }

    /// Returns the share of requests that need the dependency, see [`Slo::share`].
    pub fn share(&self) -> f64 {
        self.slo.share
    }

    /// Returns the objective: the share of events that must be good.
    pub fn objective(&self) -> Objective {
        self.slo.objective
    }

    /// Returns the description, or an empty string.
    pub fn description(&self) -> &str {
        &self.slo.description
    }

    /// Returns the team that answers the alerts, or an empty string.
    pub fn owner(&self) -> &str {
        &self.slo.owner
    }

    /// Returns the address under which the runbook pages are published, without a trailing slash,
    /// or an empty string.
    pub fn runbooks(&self) -> &str {
        self.slo.runbooks.trim_end_matches('/')
    }

    /// Returns the additional labels of the rules and alerts, as names and values.
    pub fn labels(&self) -> &[(String, String)] {
        &self.slo.labels
    }

    /// Returns the period over which the objective holds.
    pub fn period(&self) -> Period {
        self.slo.period
    }

    /// Returns the templates of the routes whose requests it counts. If there are none, it counts
    /// all requests.
    pub fn routes(&self) -> &[String] {
        &self.slo.routes
    }

    /// Returns the methods whose requests it counts. If there are none, it counts all methods.
    pub fn methods(&self) -> &[String] {
        &self.slo.methods
    }

    /// Returns the class of requests that ended with `outcome`, a value of the label `outcome`.
    /// Outcomes that it does not mention are [`EventClass::Ignored`].
    pub fn class_of(&self, outcome: &str) -> &EventClass {
        if self.slo.only.as_ref().is_some_and(|only| !only.iter().any(|o| o == outcome)) {
            return &EventClass::Ignored;
        }
        let known = self.slo.outcomes.iter().find(|(known, _)| known == outcome);
        known.map_or(&EventClass::Ignored, |(_, class)| class)
    }

    /// Returns the reason under which streams are excluded, or `None` if they count by their
    /// outcome.
    pub fn excludes_streams(&self) -> Option<&str> {
        let of_requests = self.slo.source == EventSource::Requests;
        (of_requests && matches!(self.slo.indicator, Indicator::Latency { .. })).then_some(STREAM)
    }

    /// Returns an iterator over the outcomes that it mentions, by default or explicitly.
    pub fn outcomes(&self) -> impl Iterator<Item = &str> {
        let only = self.slo.only.iter().flatten();
        self.slo.outcomes.iter().map(|(outcome, _)| outcome).chain(only).map(String::as_str)
    }

    /// Returns the reasons of [`Slo::exclude_marked`]: a request that the service marks with one of
    /// them is excluded.
    pub fn exclusions(&self) -> &[String] {
        &self.slo.exclusions
    }

    /// Returns every reason under which an event may be excluded: the values of the label `reason`
    /// of `slo_events_excluded_total`.
    pub fn reasons(&self) -> &[String] {
        &self.reasons
    }

    /// Returns the burn-rate alerts in the order in which they were requested. The standard tiers
    /// are ordered from the highest factor to the lowest.
    pub fn tiers(&self) -> &[BurnTier] {
        &self.tiers
    }

    /// Returns the distinct windows of the tiers and the period, from the shortest to the longest.
    pub fn windows(&self) -> &[Window] {
        &self.windows
    }

    /// Validates `slo` and resolves its tiers. Appends what became of standard tiers that cannot
    /// work to `adjustments`.
    pub(super) fn new(
        slo: Slo,
        adjustments: &mut Vec<TierAdjustment>,
    ) -> Result<Self, ConfigError> {
        validate(&slo)?;
        let tiers = resolve_tiers(&slo, adjustments)?;
        let mut windows: Vec<_> =
            tiers.iter().flat_map(|tier| [tier.long(), tier.short()]).collect();
        windows.push(slo.period.into());
        windows.sort_unstable();
        windows.dedup();
        let mut definition = Self { slo, tiers, windows, reasons: Vec::new() };
        definition.reasons = definition.collect_reasons();
        Ok(definition)
    }

    fn collect_reasons(&self) -> Vec<String> {
        let by_outcome = self.outcomes().filter_map(|outcome| self.class_of(outcome).reason());
        let exclusions = self.slo.exclusions.iter().map(String::as_str);
        let reasons = by_outcome.chain(self.excludes_streams()).chain(exclusions);
        let mut reasons: Vec<_> = reasons.map(str::to_owned).collect();
        reasons.sort_unstable();
        reasons.dedup();
        reasons
    }
}
