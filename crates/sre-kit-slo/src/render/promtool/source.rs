//! Scenarios of the counters themselves: missing, without traffic, disappearing; and the constants.

use super::super::plan::Plan;
use super::super::promql::Selector;
use super::super::rules::{
    ABSENT, BURN, CURRENT_BURN, ERROR_BUDGET, EXHAUSTED, Group, OBJECTIVE, PERIOD_BURN, REMAINING,
    TIME_PERIOD, days,
};
use super::case::{Case, Check};
use super::firing::{alerts, as_alert, firing};
use super::numbers::{share, times, traffic};
use super::steps::Steps;
use super::timeline::Timeline;

pub(super) fn cases(plan: &Plan<'_>, groups: &[Group], steps: &Steps) -> Vec<Case> {
    vec![nothing(plan, groups, steps), gone(plan, steps), idle(plan, steps), values(plan, steps)]
}

/// No series at all: only the alert on missing series fires, with all labels and annotations.
fn nothing(plan: &Plan<'_>, groups: &[Group], steps: &Steps) -> Case {
    let (young, at) = (times(steps.fine, 4), times(steps.fine, 10));
    let expected = alerts(groups, ABSENT).map(|rule| as_alert(rule, Vec::new(), "")).collect();
    let mut case = Case {
        name: "a source that is absent is an alert, and nothing else is".to_owned(),
        step: plan.base,
        instances: Vec::new(),
        series: Vec::new(),
        checks: vec![
            // A service that has just started does not page.
            Check::Alerts { at: young, name: ABSENT, alerts: Vec::new() },
            Check::Alerts { at, name: ABSENT, alerts: expected },
        ],
    };
    for name in [BURN, EXHAUSTED] {
        case.checks.push(Check::Alerts { at, name, alerts: Vec::new() });
    }
    case.expect_nothing(at, recorded_numbers(plan));
    case
}

/// Returns a selector of all recorded series that are derived from events.
fn recorded_numbers(plan: &Plan<'_>) -> String {
    let derived = [CURRENT_BURN, PERIOD_BURN, REMAINING].join("|");
    let pinned = Selector::new("").with("service", plan.service).with("slo", plan.slo.name());
    let matchers = pinned.to_string();
    let matchers = matchers.trim_start_matches('{');
    format!("{{__name__=~\"slo:sli_error:ratio_rate.+|{derived}\",{matchers}")
}

/// Series that disappear: the alert fires after five minutes and not before.
fn gone(plan: &Plan<'_>, steps: &Steps) -> Case {
    let events = traffic(plan);
    let timeline = Timeline::new(steps.fine).then(10, events, 0).gap(10);
    let mut case = Case::new("a source that goes away is missed", timeline);
    for at in [10, 14] {
        case.expect_nothing(times(steps.fine, at), firing(plan, ABSENT));
    }
    let expr = format!("count({})", firing(plan, ABSENT));
    case.expect_value(times(steps.fine, 16), expr, 1);
    case
}

/// No traffic: a ratio is absent, and neither zero nor NaN.
fn idle(plan: &Plan<'_>, steps: &Steps) -> Case {
    let timeline = Timeline::new(steps.fine).then(20, 0, 0);
    let mut case = Case::new("no traffic is no ratio, no NaN and no alert", timeline);
    let at = times(steps.fine, 20);
    case.expect_nothing(at, recorded_numbers(plan));
    case.expect_nothing(
        at,
        Selector::new("ALERTS").with("service", plan.service).with("slo", plan.slo.name()),
    );
    let events = plan.recorded(&plan.events_rate());
    case.expect_value(at, format!("sum({events})"), 0);
    case
}

/// The recorded values while half of the allowed events are bad.
fn values(plan: &Plan<'_>, steps: &Steps) -> Case {
    let objective = plan.slo.objective();
    let (events, budget) = (traffic(plan), objective.error_budget().as_f64());
    let bad = share(events, budget / 2.0);
    let timeline = Timeline::new(steps.fine).then(5, 2 * events, 0).then(10, events - bad, bad);
    let (at, at_step) = (times(steps.fine, 15), 15);
    let rate = timeline.rate(at_step, plan.base);
    let bad_rate = timeline.bad_rate(at_step, plan.base);
    let mut case = Case::beside_an_idle_one("what is recorded is what happened", timeline);
    for (name, value) in [
        (OBJECTIVE, objective.ratio().to_string()),
        (ERROR_BUDGET, objective.error_budget().to_string()),
        (TIME_PERIOD, days(plan.period)),
    ] {
        case.expect_value(at, format!("sum({})", plan.recorded(name)), value);
    }
    case.expect_near(at, &plan.recorded(&plan.events_rate()), rate, 0.01);
    case.expect_near(at, &plan.recorded(&plan.bad_events_rate()), bad_rate, 0.01);
    case.expect_near(at, &plan.recorded(CURRENT_BURN), 0.5, 0.01);
    case
}
