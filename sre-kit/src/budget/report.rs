//! What `/slo` shows: the same numbers as JSON and as a table.

use std::fmt;

#[cfg(feature = "serve")]
use serde::Serialize;

use super::engine::Budgets;
use super::handle::Budget;
use super::state::TierStatus;
use super::window::WindowStats;

/// Every SLO as this instance sees it, taken at one moment.
///
/// [`Display`](fmt::Display) is a plain table for people, [`Report::to_json`] the
/// same for programs. Neither knows of HTTP; whoever serves them picks one.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serve", derive(Serialize))]
#[non_exhaustive]
pub struct Report {
    /// The service.
    pub service: String,
    /// Whether any SLO burns fast enough to page.
    pub burning_fast: bool,
    /// One entry per SLO.
    pub slos: Vec<SloReport>,
    /// Standard tiers that were left out or changed.
    pub notes: Vec<String>,
}

/// One SLO in a [`Report`].
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serve", derive(Serialize))]
#[non_exhaustive]
pub struct SloReport {
    /// Its name.
    pub name: String,
    /// `availability`, `latency` or `ratio`.
    pub kind: &'static str,
    /// What it promises, or nothing.
    #[cfg_attr(feature = "serve", serde(skip_serializing_if = "String::is_empty"))]
    pub description: String,
    /// The team that answers its alerts, or nothing.
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
    /// The share of the budget that is left, negative when it is overspent.
    pub budget_remaining: f64,
    /// `page`, `ticket` or nothing.
    pub firing: Option<&'static str>,
    /// Its windows, the shortest first, the period last.
    pub windows: Vec<WindowReport>,
    /// Its burn tiers.
    pub tiers: Vec<TierReport>,
}

/// One window in a [`SloReport`].
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serve", derive(Serialize))]
#[non_exhaustive]
pub struct WindowReport {
    /// Its length, such as `5m`.
    pub window: String,
    /// Good events in it.
    pub good: u64,
    /// Bad events in it.
    pub bad: u64,
    /// The share of bad events.
    pub error_ratio: f64,
    /// The error ratio over the error budget.
    pub burn_rate: f64,
    /// The share of the window that was observed.
    pub coverage: f64,
}

/// One burn tier in a [`SloReport`].
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serve", derive(Serialize))]
#[non_exhaustive]
pub struct TierReport {
    /// Its name.
    pub name: String,
    /// What it asks of people now: a page with too few bad events is a ticket.
    pub severity: &'static str,
    /// `quiet`, `rising`, `cooling` or `firing`.
    pub state: &'static str,
    /// Its long window.
    pub long: String,
    /// Its short window.
    pub short: String,
    /// The burn rate above which it fires.
    pub factor: String,
    /// Bad events in the long window that a page needs.
    pub min_bad_events: Option<u64>,
}

impl Budgets {
    /// Every SLO as this instance sees it now.
    pub fn report(&self) -> Report {
        Report {
            service: self.slos().service().to_owned(),
            burning_fast: self.burning_fast(),
            slos: self.iter().map(SloReport::of).collect(),
            notes: self.slos().notes().iter().map(ToString::to_string).collect(),
        }
    }
}

impl Report {
    /// The report as JSON.
    #[cfg(feature = "serve")]
    #[cfg_attr(docsrs, doc(cfg(feature = "serve")))]
    pub fn to_json(&self) -> serde_json::Value {
        // Only a map with keys that are no text, or a writer, could fail.
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl SloReport {
    fn of(budget: &Budget) -> Self {
        let slo = budget.definition();
        let tiers = budget.tiers();
        let (good, bad) = budget.totals();
        let excluded = budget.excluded_total();
        let readings = budget
            .track
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
            windows: readings.iter().map(WindowReport::of).collect(),
            tiers: tiers.iter().map(TierReport::of).collect(),
        }
    }
}

impl WindowReport {
    fn of(reading: &WindowStats) -> Self {
        Self {
            window: reading.window().to_string(),
            good: reading.good(),
            bad: reading.bad(),
            error_ratio: reading.error_ratio(),
            burn_rate: reading.burn_rate(),
            coverage: reading.coverage(),
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
