//! The recording rules.

use std::time::Duration;

use super::super::plan::{Plan, error_ratio};
use super::super::promql::{Selector, duration};
use super::names::{CURRENT_BURN, ERROR_BUDGET, OBJECTIVE, PERIOD_BURN, REMAINING, TIME_PERIOD};
use super::rule::{Name, Rule};

/// Sums an expression over all instances.
pub(super) fn total(inner: &str) -> String {
    format!("sum by (service, slo) ({inner})")
}

/// Creates a recording rule.
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

/// Records the error ratio of every window from raw counters. It is absent where there were no
/// events.
pub(super) fn error_ratios(plan: &Plan<'_>) -> Vec<Rule> {
    let ratio = |window: Duration| {
        let rate = |selector: &Selector| total(&format!("rate({})", selector.over(window)));
        let expr = format!("{}\n/\n({} > 0)", rate(&plan.bad_events()), rate(&plan.events()));
        record(plan, error_ratio(window), expr, Some(window))
    };
    plan.windows().into_iter().map(ratio).collect()
}

/// Records the rates of bad and of all events, from which long ranges are derived.
pub(super) fn rates(plan: &Plan<'_>) -> [Rule; 2] {
    [(plan.events_rate(), plan.events()), (plan.bad_events_rate(), plan.bad_events())].map(
        |(name, selector)| {
            let expr = total(&format!("rate({})", selector.over(plan.base)));
            record(plan, name, expr, None)
        },
    )
}

/// Records the burn rate over the base window.
pub(super) fn current_burn(plan: &Plan<'_>) -> Rule {
    let expr = burn_rate(plan, plan.base);
    record(plan, CURRENT_BURN.to_owned(), expr, None)
}

/// Returns the expression of the burn rate over a window.
///
/// A ratio that was recorded with other labels is visible for five minutes after a change of labels
/// if the evaluator does not mark it as stale, so this takes the maximum and not the sum.
fn burn_rate(plan: &Plan<'_>, window: Duration) -> String {
    let budget = plan.slo.objective().error_budget();
    let ratio = plan.ratio(window);
    format!("max by (service, slo) ({ratio}) / {budget}")
}

/// Records the constants of the SLO.
pub(super) fn metadata(plan: &Plan<'_>) -> Vec<Rule> {
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

/// Returns a period in days, rounded down to a millionth.
pub(in crate::render) fn days(period: Duration) -> String {
    let millionths = period.as_millis() * 1_000_000 / 86_400_000;
    let (whole, rest) = (millionths / 1_000_000, millionths % 1_000_000);
    if rest == 0 {
        return whole.to_string();
    }
    format!("{whole}.{rest:06}").trim_end_matches('0').to_owned()
}

/// Records error ratio, burn rate and remaining budget of the period, from recorded rates. Bad and
/// valid events are summed separately and divided last, so that an hour weighs as much as its
/// traffic. They are aggregated before the division, because the history of a period can contain
/// rates that were recorded with other labels: an owner or a team that has another name since.
pub(super) fn budget(plan: &Plan<'_>) -> Vec<Rule> {
    let sum = |metric: &str| {
        total(&format!("sum_over_time({})", plan.recorded(metric).over(plan.period)))
    };
    let ratio = format!("{}\n/\n({} > 0)", sum(&plan.bad_events_rate()), sum(&plan.events_rate()));
    let remaining = format!("1 - max by (service, slo) ({})", plan.recorded(PERIOD_BURN));
    let mut rules = vec![
        record(plan, error_ratio(plan.period), ratio, Some(plan.period)),
        record(plan, PERIOD_BURN.to_owned(), burn_rate(plan, plan.period), None),
        record(plan, REMAINING.to_owned(), remaining, None),
    ];
    if plan.windows().contains(&plan.period) {
        // An alert reads this ratio, so `error_ratios` records it from raw counters.
        rules.remove(0);
    }
    rules
}
