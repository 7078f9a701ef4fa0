//! The recording rules and alerts of one SLO.

use std::time::Duration;

use super::plan::{Plan, PlannedTier, error_ratio};
use super::promql::{Selector, duration};
use super::yaml::{Yaml, map, texts};
use crate::Severity;

pub(super) const BURN: &str = "SLOErrorBudgetBurn";
pub(super) const ABSENT: &str = "SLOSourceAbsent";
pub(super) const EXHAUSTED: &str = "SLOErrorBudgetExhausted";

/// Runbook pages, one per alert.
pub(super) const BURN_PAGE: &str = "error-budget-burn";
pub(super) const ABSENT_PAGE: &str = "source-absent";
pub(super) const EXHAUSTED_PAGE: &str = "error-budget-exhausted";

pub(super) const OBJECTIVE: &str = "slo:objective:ratio";
pub(super) const ERROR_BUDGET: &str = "slo:error_budget:ratio";
pub(super) const TIME_PERIOD: &str = "slo:time_period:days";
pub(super) const CURRENT_BURN: &str = "slo:current_burn_rate:ratio";
pub(super) const PERIOD_BURN: &str = "slo:period_burn_rate:ratio";
pub(super) const REMAINING: &str = "slo:period_error_budget_remaining:ratio";

/// Rules that are evaluated together, one after another.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) interval: Duration,
    pub(super) rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) name: Name,
    pub(super) expr: String,
    /// How long it holds before it is an alert.
    pub(super) hold: Option<Duration>,
    pub(super) labels: Vec<(String, String)>,
    pub(super) annotations: Vec<(&'static str, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Record(String),
    Alert(&'static str),
}

impl Group {
    pub(super) fn yaml(&self) -> Yaml {
        map([
            ("name", Yaml::from(&self.name)),
            ("interval", Yaml::from(duration(self.interval))),
            ("rules", self.rules.iter().map(Rule::yaml).collect::<Vec<_>>().into()),
        ])
    }
}

impl Rule {
    fn yaml(&self) -> Yaml {
        let (kind, name) = match &self.name {
            Name::Record(name) => ("record", name.as_str()),
            Name::Alert(name) => ("alert", *name),
        };
        let labels = self.labels.iter().map(|(name, value)| (name, value));
        let mut rule = map([(kind, Yaml::from(name)), ("expr", Yaml::from(&self.expr))]);
        if let Some(hold) = self.hold {
            rule = rule.with("for", Yaml::from(duration(hold)));
        }
        let rule = rule.with("labels", texts(labels));
        if self.annotations.is_empty() {
            return rule;
        }
        rule.with("annotations", texts(self.annotations.iter().map(|(name, text)| (name, text))))
    }
}

/// The groups of one SLO: what alerts need, often, and what the period needs, seldom.
///
/// The period's sums read a month of samples, and nothing changes in it within a
/// minute or two; the staleness of Prometheus, five minutes, bridges the gap.
pub(super) fn groups(plan: &Plan<'_>) -> [Group; 2] {
    let often = plan.options.evaluation_interval;
    let seldom = (often * 4).min(Duration::from_mins(2)).max(often);
    let mut rules = error_ratios(plan);
    rules.extend(rates(plan));
    rules.push(current_burn(plan));
    rules.extend(plan.tiers.iter().flat_map(|tier| burn_alerts(plan, tier)));
    rules.push(absent_alert(plan));
    let mut period = metadata(plan);
    period.extend(budget(plan));
    period.push(exhausted_alert(plan));
    let name = format!("slo-{}", plan.id());
    let period_name = format!("{name}-period");
    // What others read comes first.
    [
        Group { name, interval: often, rules },
        Group { name: period_name, interval: seldom, rules: period },
    ]
}

/// `sum by (service, slo) (...)`: an aggregate of all instances, never one's own gauge.
fn total(inner: &str) -> String {
    format!("sum by (service, slo) ({inner})")
}

fn record(plan: &Plan<'_>, name: String, expr: String, window: Option<Duration>) -> Rule {
    let mut labels = plan.labels();
    if let Some(window) = window {
        labels.insert(2, ("window".to_owned(), duration(window)));
    }
    if plan.options.sloth {
        labels.extend(plan.sloth_labels());
        labels.extend(window.map(|window| ("sloth_window".to_owned(), duration(window))));
    }
    Rule { name: Name::Record(name), expr, hold: None, labels, annotations: Vec::new() }
}

/// One expression per ratio, from raw counters, absent where nothing happened.
fn error_ratios(plan: &Plan<'_>) -> Vec<Rule> {
    let ratio = |window: Duration| {
        let rate = |selector: &Selector| total(&format!("rate({})", selector.over(window)));
        let expr = format!("{}\n/\n({} > 0)", rate(&plan.bad_events()), rate(&plan.events()));
        record(plan, error_ratio(window), expr, Some(window))
    };
    plan.windows().into_iter().map(ratio).collect()
}

/// Rates of bad and of all events, from which long ranges are derived.
fn rates(plan: &Plan<'_>) -> [Rule; 2] {
    [(plan.events_rate(), plan.events()), (plan.bad_events_rate(), plan.bad_events())].map(
        |(name, selector)| {
            let expr = total(&format!("rate({})", selector.over(plan.base)));
            record(plan, name, expr, None)
        },
    )
}

fn current_burn(plan: &Plan<'_>) -> Rule {
    let expr = over_budget(plan, plan.base);
    record(plan, CURRENT_BURN.to_owned(), expr, None)
}

/// The burn rate over a window.
fn over_budget(plan: &Plan<'_>, window: Duration) -> String {
    let budget = plan.slo.objective().error_budget();
    let ratio = plan.ratio(window);
    format!("sum by (service, slo) ({ratio}) / {budget}")
}

fn metadata(plan: &Plan<'_>) -> Vec<Rule> {
    let objective = plan.slo.objective();
    let constant =
        |name: &str, value: &str| record(plan, name.to_owned(), format!("vector({value})"), None);
    let mut rules = vec![
        constant(OBJECTIVE, &objective.ratio().to_string()),
        constant(ERROR_BUDGET, &objective.error_budget().to_string()),
        constant(TIME_PERIOD, &days(plan.period)),
    ];
    if plan.options.sloth {
        let mut info = constant("sloth_slo_info", "1");
        let more = [
            ("sloth_mode", "sre-kit".to_owned()),
            ("sloth_objective", objective.to_string()),
            ("sloth_spec", "sre-kit".to_owned()),
            ("sloth_version", env!("CARGO_PKG_VERSION").to_owned()),
        ];
        info.labels.extend(more.map(|(name, value)| (name.to_owned(), value)));
        rules.push(info);
    }
    rules
}

/// A period in days, rounded to a millionth where it is no whole number of them.
pub(super) fn days(period: Duration) -> String {
    let millionths = period.as_millis() * 1_000_000 / 86_400_000;
    let (whole, rest) = (millionths / 1_000_000, millionths % 1_000_000);
    if rest == 0 {
        return whole.to_string();
    }
    format!("{whole}.{rest:06}").trim_end_matches('0').to_owned()
}

/// The period's ratio from recorded rates: bad and valid are summed apart and
/// divided last, so that a quiet hour weighs as little as it should.
fn budget(plan: &Plan<'_>) -> Vec<Rule> {
    let sum = |metric: &str| format!("sum_over_time({})", plan.recorded(metric).over(plan.period));
    let ratio = format!("{}\n/\n({} > 0)", sum(&plan.bad_events_rate()), sum(&plan.events_rate()));
    let mut rules = vec![
        record(plan, error_ratio(plan.period), ratio, Some(plan.period)),
        record(plan, PERIOD_BURN.to_owned(), over_budget(plan, plan.period), None),
        record(plan, REMAINING.to_owned(), format!("1 - {}", plan.recorded(PERIOD_BURN)), None),
    ];
    if plan.windows().contains(&plan.period) {
        // An alert reads it, so it is recorded from raw counters.
        rules.remove(0);
    }
    rules
}

struct Alert {
    name: &'static str,
    page: &'static str,
    severity: Severity,
    tier: Option<String>,
    expr: String,
    summary: String,
    description: String,
}

fn alert(plan: &Plan<'_>, alert: Alert) -> Rule {
    let mut labels = plan.labels();
    labels.push(("severity".to_owned(), alert.severity.to_string()));
    labels.extend(alert.tier.map(|tier| ("slo_tier".to_owned(), tier)));
    Rule {
        name: Name::Alert(alert.name),
        expr: alert.expr,
        hold: None,
        labels,
        annotations: vec![
            ("summary", alert.summary),
            ("description", alert.description),
            ("runbook_url", plan.runbook_url(alert.page)),
        ],
    }
}

/// A tier's alert. A page that needs a minimum of bad events is two: the page,
/// and the ticket that it is with fewer.
fn burn_alerts(plan: &Plan<'_>, tier: &PlannedTier<'_>) -> Vec<Rule> {
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

/// Without a source no burn alert can fire, so its absence is an alert.
///
/// It has to hold, and no window looks back: a service's first start and a
/// Prometheus that was away have nothing behind them, and have gone without for no
/// time yet.
fn absent_alert(plan: &Plan<'_>) -> Rule {
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

fn exhausted_alert(plan: &Plan<'_>) -> Rule {
    let (offset, span) = plan.history();
    let expr = format!(
        "{} <= 0\nand on (service, slo)\npresent_over_time({} offset {})",
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
