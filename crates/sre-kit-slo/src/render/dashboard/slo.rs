//! The dashboard of the SLOs of one service.

use std::time::Duration;

use super::super::Options;
use super::super::plan::{Plan, error_ratio};
use super::super::promql::{Selector, duration, quoted};
use super::super::rules::{
    ABSENT, BURN, CURRENT_BURN, ERROR_BUDGET, EXHAUSTED, OBJECTIVE, REMAINING,
};
use super::board::Board;
use super::panel::Panel;
use crate::Slos;

/// Renders the dashboard of the SLOs.
pub(in crate::render) fn objectives(slos: &Slos, options: &Options) -> String {
    let scope = Scope { service: slos.service(), options };
    let plans: Vec<_> = slos.iter().map(|slo| Plan::new(slos.service(), slo, options)).collect();
    let pages = |plan: &Plan<'_>| {
        let url = plan.runbook_url(super::super::rules::BURN_PAGE)?;
        Some((format!("Runbook: {}", plan.slo.name()), url))
    };
    Board {
        uid: Some(options.dashboard_uid(slos.service())),
        title: options.title(&format!("SLOs of {}", slos.service())),
        description: format!(
            "Error budgets, burn rates and alerts of the service {}. {}",
            slos.service(),
            super::GENERATED
        ),
        datasource_uid: options.datasource_uid.clone(),
        variables: vec![("slo", "SLO", format!("label_values({}, slo)", scope.all(OBJECTIVE)))],
        rows: vec![
            ("Error budget", budget(&scope, &plans)),
            ("Burn rate by window", burn(&scope, &plans)),
            ("Events", events(&scope, &plans)),
            ("Alerts", alerts(&scope)),
        ],
        links: plans.iter().filter_map(pages).collect(),
    }
    .json()
}

/// The series of the service and of the selected SLOs.
struct Scope<'a> {
    service: &'a str,
    options: &'a Options,
}

impl Scope<'_> {
    fn all(&self, metric: &str) -> Selector {
        let scope = self.options.scope.iter().map(|(name, value)| (&**name, &**value));
        Selector::new(metric).with("service", self.service).with_all(scope)
    }

    /// Restricts the series to the selected SLOs. The value of the variable is a regular expression.
    fn chosen(&self, metric: &str) -> String {
        let all = self.all(metric).to_string();
        format!(r#"{},slo=~"$slo"}}"#, all.trim_end_matches('}'))
    }

    fn chosen_with(&self, metric: &str, label: &str, value: &str) -> String {
        let chosen = self.chosen(metric);
        format!("{},{label}={}}}", chosen.trim_end_matches('}'), quoted(value))
    }
}

/// Returns the distinct values in ascending order.
fn distinct<T: Ord>(values: impl IntoIterator<Item = T>) -> Vec<T> {
    values.into_iter().collect::<std::collections::BTreeSet<_>>().into_iter().collect()
}

fn budget(scope: &Scope<'_>, plans: &[Plan<'_>]) -> Vec<Panel> {
    let base = duration(plans.first().map_or(Duration::from_secs(5 * 60), |plan| plan.base));
    vec![
        Panel::stat(
            "Error budget left",
            "Share of the period's budget that is left, from traffic-weighted sums over the \
             period. Below zero the objective is missed. With less history than a period it is \
             the budget of what there is.",
        )
        .unit("percentunit")
        .decimals(1)
        .colours("red", [(0.0, "orange"), (0.25, "green")])
        .query(format!("sum by (slo) ({})", scope.chosen(REMAINING)), "{{slo}}"),
        Panel::stat("Objective", "The share of events that shall be good.")
            .unit("percentunit")
            .decimals(3)
            .colours("blue", [])
            .query(format!("sum by (slo) ({})", scope.chosen(OBJECTIVE)), "{{slo}}"),
        Panel::time_series(
            "Error budget left over time",
            "The steeper the fall, the faster the budget burns.",
        )
        .unit("percentunit")
        .max(1.0)
        .width(24)
        .query(format!("sum by (slo) ({})", scope.chosen(REMAINING)), "{{slo}}"),
        Panel::time_series(
            "Burn rate now",
            format!(
                "Over {base}. At 1 the budget lasts for exactly the period; at 14.4 a month's is \
                 gone in two days."
            ),
        )
        .min(0.0)
        .colours("green", [(1.0, "orange")])
        .query(format!("sum by (slo) ({})", scope.chosen(CURRENT_BURN)), "{{slo}}"),
        Panel::time_series("Good events", format!("Share of good events over {base}."))
            .unit("percentunit")
            .max(1.0)
            .query(
                format!(
                    "1 - sum by (slo) ({})",
                    scope.chosen(&error_ratio(
                        plans.first().map_or(Duration::from_secs(5 * 60), |plan| plan.base)
                    ))
                ),
                "{{slo}}",
            ),
    ]
}

/// Renders one panel per tier, with both windows and the factor of the tier.
fn burn(scope: &Scope<'_>, plans: &[Plan<'_>]) -> Vec<Panel> {
    let tiers = distinct(plans.iter().flat_map(|plan| {
        plan.tiers.iter().map(|tier| (tier.long, tier.short, tier.severity.as_str()))
    }));
    tiers
        .into_iter()
        .map(|(long, short, severity)| {
            let burn = |window: Duration| {
                let ratio = scope.chosen(&error_ratio(window));
                format!(
                    "sum by (slo) ({ratio})\n/ on (slo)\nsum by (slo) ({})",
                    scope.chosen(ERROR_BUDGET)
                )
            };
            let factors = distinct(
                plans
                    .iter()
                    .flat_map(|plan| &plan.tiers)
                    .filter(|tier| tier.long == long && tier.short == short)
                    .map(|tier| tier.factor),
            );
            let lines: Vec<_> = factors.iter().map(|factor| (factor.as_f64(), "red")).collect();
            let texts: Vec<_> = factors.iter().map(ToString::to_string).collect();
            let (long, short) = ((long, duration(long)), (short, duration(short)));
            Panel::time_series(
                title(severity, &long.1, &short.1),
                format!("A {severity} fires while both windows are above {}.", texts.join(" or ")),
            )
            .min(0.0)
            .colours("green", lines)
            .query(burn(long.0), format!("{{{{slo}}}} {}", long.1))
            .query(burn(short.0), format!("{{{{slo}}}} {}", short.1))
        })
        .collect()
}

fn title(severity: &str, long: &str, short: &str) -> String {
    format!("Burn over {long} and {short} ({severity})")
}

fn events(scope: &Scope<'_>, plans: &[Plan<'_>]) -> Vec<Panel> {
    let Some(plan) = plans.first() else { return Vec::new() };
    let (events, bad) = (plan.events_rate(), plan.bad_events_rate());
    let base = duration(plan.base);
    vec![
        Panel::time_series("Events per second", format!("Good and bad together, over {base}."))
            .unit("ops")
            .min(0.0)
            .query(format!("sum by (slo) ({})", scope.chosen(&events)), "{{slo}}"),
        Panel::time_series("Bad events per second", format!("Of all instances, over {base}."))
            .unit("ops")
            .min(0.0)
            .query(format!("sum by (slo) ({})", scope.chosen(&bad)), "{{slo}}"),
        Panel::time_series(
            "Excluded events per second",
            "Left out of the SLO, by reason: client_abort, failed, stream, or a mark of the \
             service's own. Many of one reason deserve a look: they are no part of the promise.",
        )
        .unit("ops")
        .min(0.0)
        .width(24)
        .query(
            format!(
                "sum by (slo, reason) (rate({}[$__rate_interval]))",
                scope.chosen("slo_events_excluded_total")
            ),
            "{{slo}} {{reason}}",
        ),
    ]
}

fn alerts(scope: &Scope<'_>) -> Vec<Panel> {
    let firing = |alert: &str| {
        let alerts = scope.chosen_with("ALERTS", "alertname", alert);
        format!("{},alertstate=\"firing\"}}", alerts.trim_end_matches('}'))
    };
    vec![
        Panel::state_timeline(
            "Burn tiers that fire",
            "By SLO, tier and severity. Empty while no budget burns.",
        )
        .width(24)
        .colours("orange", [])
        .query(
            format!("max by (slo, slo_tier, severity) ({})", firing(BURN)),
            "{{slo}} {{slo_tier}} {{severity}}",
        ),
        Panel::state_timeline(
            "Other alerts that fire",
            "A source that is absent, a budget that is exhausted.",
        )
        .width(24)
        .colours("orange", [])
        .query(
            format!("max by (slo, alertname) ({} or {})", firing(ABSENT), firing(EXHAUSTED)),
            "{{slo}} {{alertname}}",
        ),
    ]
}
