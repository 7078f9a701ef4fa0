//! The report that `/slo` serves as JSON and as a table.

use std::fmt;

#[cfg(feature = "serve")]
use serde::Serialize;

use super::budget::Budget;
use super::budgets::Budgets;
use super::tier_status::TierStatus;
use super::window::WindowStats;

/// The state of every SLO as this instance observed it, at one moment.
///
/// [`Display`](fmt::Display) writes a plain-text table, [`Report::to_json`] returns the same
/// numbers as JSON.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serve", derive(Serialize))]
#[non_exhaustive]
pub struct Report {
    /// The name of the service.
    pub service: String,
    /// Whether any SLO burns fast enough to page.
    pub burning_fast: bool,
    /// One entry per SLO.
    pub slos: Vec<SloReport>,
    /// The standard tiers that were left out or changed, one sentence each.
    pub notes: Vec<String>,
}

/// The state of one SLO in a [`Report`].
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serve", derive(Serialize))]
#[non_exhaustive]
pub struct SloReport {
    /// The name of the SLO.
    pub name: String,
    /// `availability`, `latency` or `ratio`.
    pub kind: &'static str,
    /// The description from the definition, or an empty string.
    #[cfg_attr(feature = "serve", serde(skip_serializing_if = "String::is_empty"))]
    pub description: String,
    /// The team that answers the alerts, or an empty string.
    #[cfg_attr(feature = "serve", serde(skip_serializing_if = "String::is_empty"))]
    pub owner: String,
    /// The objective in percent, such as `99.9`.
    pub objective_percent: String,
    /// The period, such as `30d`.
    pub period: String,
    /// Good events since the process began.
    pub good: u64,
    /// Bad events since the process began.
    pub bad: u64,
    /// Excluded events since the process began, by reason.
    pub excluded: std::collections::BTreeMap<String, u64>,
    /// The share of the period's error budget that is left, negative if it is overspent.
    pub budget_remaining: f64,
    /// The highest severity that fires: `page`, `ticket` or `None`.
    pub firing: Option<&'static str>,
    /// The windows, from the shortest to the longest, which is the period.
    pub windows: Vec<WindowReport>,
    /// The burn tiers.
    pub tiers: Vec<TierReport>,
}

/// The counts of one window in a [`SloReport`].
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serve", derive(Serialize))]
#[non_exhaustive]
pub struct WindowReport {
    /// The length of the window, such as `5m`.
    pub window: String,
    /// The good events in the window.
    pub good: u64,
    /// The bad events in the window.
    pub bad: u64,
    /// The share of bad events, from 0 to 1.
    pub error_ratio: f64,
    /// The burn rate: the error ratio divided by the error budget.
    pub burn_rate: f64,
    /// The share of the window that was observed, from 0 to 1.
    pub coverage: f64,
}

/// The state of one burn tier in a [`SloReport`].
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serve", derive(Serialize))]
#[non_exhaustive]
pub struct TierReport {
    /// The name of the tier.
    pub name: String,
    /// The severity now, `page` or `ticket`. A page with too few bad events is a ticket.
    pub severity: &'static str,
    /// `quiet`, `rising`, `cooling` or `firing`.
    pub state: &'static str,
    /// The length of the long window.
    pub long: String,
    /// The length of the short window.
    pub short: String,
    /// The burn rate above which it fires.
    pub factor: String,
    /// The bad events in the long window that a page needs, if it needs any.
    pub min_bad_events: Option<u64>,
}

impl Budgets {
    /// Returns the state of every SLO as this instance observed it.
    pub fn report(&self) -> Report {
        Report {
            service: self.slos().service().to_owned(),
            burning_fast: self.burning_fast(),
            slos: self.iter().map(SloReport::of).collect(),
            notes: self.slos().tier_adjustments().iter().map(ToString::to_string).collect(),
        }
    }
}

impl Report {
    /// Returns the report as JSON.
    #[cfg(feature = "serve")]
    #[cfg_attr(docsrs, doc(cfg(feature = "serve")))]
    pub fn to_json(&self) -> serde_json::Value {
        // Serializing fails only for maps with keys that are not strings.
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl SloReport {
    fn of(budget: &Budget) -> Self {
        let slo = budget.definition();
        let tiers = budget.tiers();
        let (good, bad) = budget.totals();
        let excluded = budget.excluded_total();
        let windows = budget
            .state
            .with_ring(|ring| slo.windows().iter().map(|&w| ring.read(w)).collect::<Vec<_>>());
        Self {
            name: slo.name().to_owned(),
            kind: slo.indicator().as_str(),
            description: slo.description().to_owned(),
            owner: slo.owner().to_owned(),
            objective_percent: slo.objective().to_string(),
            period: slo.period().to_string(),
            good,
            bad,
            excluded: excluded.into_iter().map(|(reason, n)| (reason.to_owned(), n)).collect(),
            budget_remaining: budget.budget_remaining(),
            firing: budget.firing().map(sre_kit_slo::Severity::as_str),
            windows: windows.iter().map(WindowReport::of).collect(),
            tiers: tiers.iter().map(TierReport::of).collect(),
        }
    }
}

impl WindowReport {
    fn of(stats: &WindowStats) -> Self {
        Self {
            window: stats.window().to_string(),
            good: stats.good(),
            bad: stats.bad(),
            error_ratio: stats.error_ratio(),
            burn_rate: stats.burn_rate(),
            coverage: stats.coverage(),
        }
    }
}

impl TierReport {
    fn of(status: &TierStatus) -> Self {
        let tier = status.tier();
        Self {
            name: tier.name().to_owned(),
            severity: status.severity().as_str(),
            state: status.state().as_str(),
            long: tier.long().to_string(),
            short: tier.short().to_string(),
            factor: tier.factor().to_string(),
            min_bad_events: tier.min_bad_events(),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "service {}, as this instance sees it", self.service)?;
        for slo in &self.slos {
            write!(f, "\n{slo}")?;
        }
        if !self.notes.is_empty() {
            writeln!(f)?;
        }
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        Ok(())
    }
}

impl fmt::Display for SloReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: {} {} % over {}, {:.1} % of the budget left{}",
            self.name,
            self.kind,
            self.objective_percent,
            self.period,
            self.budget_remaining * 100.0,
            self.firing.map_or(String::new(), |severity| format!(", {severity} FIRES")),
        )?;
        write!(f, "  since start: {} good, {} bad", self.good, self.bad)?;
        for (reason, n) in self.excluded.iter().filter(|(_, n)| **n > 0) {
            write!(f, ", {n} {reason}")?;
        }
        writeln!(f)?;
        writeln!(
            f,
            "  {:>8} {:>12} {:>12} {:>11} {:>10} {:>9}",
            "window", "good", "bad", "error ratio", "burn rate", "coverage"
        )?;
        for window in &self.windows {
            writeln!(
                f,
                "  {:>8} {:>12} {:>12} {:>11.6} {:>10.2} {:>7.1} %",
                window.window,
                window.good,
                window.bad,
                window.error_ratio,
                window.burn_rate,
                window.coverage * 100.0
            )?;
        }
        for tier in &self.tiers {
            writeln!(
                f,
                "  {:<8} {:<7} {:<6} burn > {} over {} and {}",
                tier.name, tier.state, tier.severity, tier.factor, tier.long, tier.short
            )?;
        }
        Ok(())
    }
}
