//! The alerts.

use super::super::plan::{Plan, PlannedTier};
use super::super::promql::duration;
use super::names::{ABSENT, ABSENT_PAGE, BURN, BURN_PAGE, EXHAUSTED, EXHAUSTED_PAGE, REMAINING};
use super::recording::total;
use super::rule::{Name, Rule};
use crate::Severity;

/// An alert before it has the labels of its SLO.
struct Alert {
    name: &'static str,
    page: &'static str,
    severity: Severity,
    tier: Option<String>,
    expr: String,
    summary: String,
    description: String,
}

/// Creates an alert.
fn alert(plan: &Plan<'_>, alert: Alert) -> Rule {
    let mut labels = plan.labels();
    labels.push(("severity".to_owned(), alert.severity.to_string()));
    let mut annotations = vec![("summary", alert.summary), ("description", alert.description)];
    annotations.extend(plan.runbook_url(alert.page).map(|url| ("runbook_url", url)));
    annotations.extend(plan.dashboard_url().map(|url| ("dashboard_url", url)));
    labels.extend(alert.tier.map(|tier| ("slo_tier".to_owned(), tier)));
    Rule { name: Name::Alert(alert.name), expr: alert.expr, hold: None, labels, annotations }
}

/// Returns the alerts of a tier. A page that needs a minimum of bad events is two alerts: the page,
/// and the ticket that fires with fewer bad events.
pub(super) fn burn_alerts(plan: &Plan<'_>, tier: &PlannedTier<'_>) -> Vec<Rule> {
    let (long, short) = (duration(tier.long), duration(tier.short));
    let burns = format!(
        "{} > {threshold}\nand on (service, slo)\n{} > {threshold}",
        plan.ratio(tier.long),
        plan.ratio(tier.short),
        threshold = tier.threshold,
    );
    let of = |severity: Severity, expr: String, note: &str| {
        alert(
            plan,
            Alert {
                name: BURN,
                page: BURN_PAGE,
                severity,
                tier: Some(tier.name.to_owned()),
                expr,
                summary: format!(
                    "{} {} burns its error budget at more than {} times the rate it can afford",
                    plan.service,
                    plan.slo.name(),
                    tier.factor,
                ),
                description: format!(
                    "{{{{ $value | humanizePercentage }}}} of the events of the last {long} were \
                     bad; the objective of {} % allows {} % over {}. The last {short} are above \
                     the threshold as well, so it goes on.{note}",
                    plan.slo.objective(),
                    plan.budget_percent(),
                    duration(plan.period),
                ),
            },
        )
    };
    let Some(minimum) = tier.min_bad_events else { return vec![of(tier.severity, burns, "")] };
    let enough = format!(
        "{} >= {minimum}",
        total(&format!("increase({})", plan.bad_events().over(tier.long)))
    );
    let note =
        format!(" A ticket and no page: fewer than {minimum} bad events in {long} prove little.");
    vec![
        of(tier.severity, format!("({burns})\nand on (service, slo)\n{enough}"), ""),
        of(Severity::Ticket, format!("({burns})\nunless on (service, slo)\n{enough}"), &note),
    ]
}

/// Returns the alert on missing series. Without them no burn alert can fire.
///
/// The expression has to hold for the base window (`for`) and does not look back itself. Otherwise
/// the alert would fire when a service starts for the first time, or after a restart of Prometheus.
pub(super) fn absent_alert(plan: &Plan<'_>) -> Rule {
    let expr = format!("absent({})", plan.events());
    let (service, name) = (plan.service, plan.slo.name());
    let rule = alert(
        plan,
        Alert {
            name: ABSENT,
            page: ABSENT_PAGE,
            severity: Severity::Page,
            tier: None,
            expr,
            summary: format!("{service} {name} is not measured"),
            description: format!(
                "No instance of {service} has exported the SLO's events for {}: it is down, or it \
                 is not scraped. No other alert of this SLO can fire.",
                duration(plan.base),
            ),
        },
    );
    Rule { hold: Some(plan.base), ..rule }
}

/// Returns the alert on a budget that is used up.
pub(super) fn exhausted_alert(plan: &Plan<'_>) -> Rule {
    let (offset, span) = plan.history();
    let expr = format!(
        "min by (service, slo) ({}) <= 0\nand on (service, slo)\npresent_over_time({} offset {})",
        plan.recorded(REMAINING),
        plan.recorded(&plan.events_rate()).over(span),
        duration(offset),
    );
    let (service, name, period) = (plan.service, plan.slo.name(), duration(plan.period));
    alert(
        plan,
        Alert {
            name: EXHAUSTED,
            page: EXHAUSTED_PAGE,
            severity: Severity::Ticket,
            tier: None,
            expr,
            summary: format!("{service} {name} has no error budget left"),
            description: format!(
                "More than {} % of the events of the last {period} were bad: the objective of {} % \
                 is missed.",
                plan.budget_percent(),
                plan.slo.objective(),
            ),
        },
    )
}
