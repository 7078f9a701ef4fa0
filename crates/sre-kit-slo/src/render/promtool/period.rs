//! Scenarios of the period: its error ratio, its budget and its end.

use super::super::plan::{Plan, error_ratio};
use super::super::promql::Selector;
use super::super::rules::{CURRENT_BURN, EXHAUSTED, PERIOD_BURN, REMAINING};
use super::case::{Case, Check};
use super::firing::firing;
use super::numbers::{constant, rough, share, steps_of, times, traffic};
use super::steps::Steps;
use super::timeline::Timeline;

pub(super) fn cases(plan: &Plan<'_>, steps: &Steps) -> Vec<Case> {
    let mut cases = vec![quiet_hour(plan, steps), relabelled(plan, steps)];
    cases.extend(forgetting(plan, steps));
    for (factor, exhausted) in [(1.03, true), (0.97, false)] {
        cases.push(budget(plan, steps, factor, exhausted));
    }
    cases.extend(interrupted(plan, steps));
    cases
}

/// A day of traffic, and an hour with hardly any traffic in which half of it fails. With a mean of
/// ratios the budget would be overspent twenty times.
fn quiet_hour(plan: &Plan<'_>, steps: &Steps) -> Case {
    let events = traffic(plan);
    let per_step = steps_of(steps.period, steps.sample).max(1);
    let few = events / 1_000;
    let timeline = Timeline::new(steps.sample).then(46 * per_step, events, 0).then(
        2 * per_step,
        few / 2,
        few / 2,
    );
    let expected = timeline.ratio(timeline.len(), plan.period);
    let mut case = Case::new("a quiet hour that half fails weighs as little as it is", timeline);
    let at = times(steps.period, 48);
    case.expect_near(at, &plan.ratio(plan.period), expected, 0.1);
    case
}

/// A history that was recorded with another label, and its last samples beside those with today's
/// labels. It counts in the period, and once.
fn relabelled(plan: &Plan<'_>, steps: &Steps) -> Case {
    let events = traffic(plan);
    let per_step = steps_of(steps.period, steps.sample).max(1);
    let budget = plan.slo.objective().error_budget().as_f64();
    let bad = share(events, budget / 4.0);
    let timeline = Timeline::new(steps.sample).then(4 * per_step, events - bad, bad);
    let (samples, at) = (per_step + 1, times(steps.period, 4));
    let rate = timeline.rate(timeline.len(), plan.base);
    let mut case = Case::new("a history with another label counts as well", timeline);
    // As much traffic as now, and twice as many bad events: half of what the objective allows.
    for (metric, value) in [
        (plan.events_rate(), rate),
        (plan.bad_events_rate(), rate * budget / 2.0),
        (error_ratio(plan.base), budget / 2.0),
        (error_ratio(plan.period), budget / 2.0),
        (PERIOD_BURN.to_owned(), 0.5),
    ] {
        case.series.push((former(plan, &metric), constant(&rough(value), samples)));
    }
    let (before, after) = (samples as f64, 4.0);
    let expected = (before / 2.0 + after / 4.0) / (before + after) * budget;
    case.expect_near(at, &plan.ratio(plan.period), expected, 0.02);
    // The burn rate of the period is visible with both labels; the others have today's labels only.
    for (metric, series) in [(CURRENT_BURN, 1), (PERIOD_BURN, 2), (REMAINING, 1)] {
        let expr = format!("sum(abs({} / 0.5 - 1) < bool 0.02)", plan.recorded(metric));
        case.expect_value(steps.period, expr, series);
    }
    case
}

/// Returns the selector of a recorded series from before a change of labels.
fn former(plan: &Plan<'_>, metric: &str) -> Selector {
    plan.recorded(metric).with("former_label", "renamed")
}

/// Events that are older than the period do not count, and all younger ones do.
///
/// The recorded rates are the input, since a period of counters would take seconds. If an alert reads
/// the ratio of the period, it is recorded from counters, and `windows` tests it.
fn forgetting(plan: &Plan<'_>, steps: &Steps) -> Option<Case> {
    if plan.windows().contains(&plan.period) {
        return None;
    }
    let in_period = steps_of(plan.period, steps.period);
    let budget = plan.slo.objective().error_budget().as_f64();
    // Ten times the usual traffic, of which a tenth is bad; later, half of what the objective allows.
    let burst = (in_period / 10).max(1);
    let before = in_period * 19 / 20;
    let after = (in_period * 28 / 25).max(in_period + burst + 1);
    let later = after - burst + 2;
    let mut case = Case {
        name: "the period forgets what is older, and nothing younger".to_owned(),
        step: steps.period,
        instances: Vec::new(),
        series: Vec::new(),
        checks: Vec::new(),
    };
    for (metric, first, then) in
        [(plan.events_rate(), 10.0, 1.0), (plan.bad_events_rate(), 1.0, budget / 2.0)]
    {
        let values =
            format!("{} {}", constant(&rough(first), burst), constant(&rough(then), later));
        case.series.push((plan.recorded(&metric), values));
    }
    // The first sample is that of the instant 0.
    let (old, young) = (burst as f64, (before + 1 - burst) as f64);
    let mixed = (old + young * budget / 2.0) / (old * 10.0 + young);
    for (at, expected) in [(before, mixed), (after, budget / 2.0)] {
        let at = times(steps.period, at);
        case.expect_near(at, &plan.ratio(plan.period), expected, 0.05);
        case.expect_near(at, &plan.recorded(PERIOD_BURN), expected / budget, 0.05);
    }
    case.expect_near(times(steps.period, after), &plan.recorded(REMAINING), 0.5, 0.05);
    Some(case)
}

/// Constant errors just above or just below what the objective allows.
fn budget(plan: &Plan<'_>, steps: &Steps, factor: f64, exhausted: bool) -> Case {
    let events = traffic(plan);
    let bad = share(events, plan.slo.objective().error_budget().as_f64() * factor);
    let (offset, span) = plan.history();
    let history = steps_of(offset, steps.period);
    let end = times(steps.period, history + 3);
    let timeline = Timeline::new(steps.sample).then(steps_of(end, steps.sample), events - bad, bad);
    let how = if exhausted { "above" } else { "below" };
    let mut case = Case::new(format!("errors just {how} the budget, from the start"), timeline);
    // There is less history than the longest alert window.
    let young = times(steps.period, history.saturating_sub(steps_of(span, steps.period) / 2));
    case.expect_nothing(young, firing(plan, EXHAUSTED));
    let old = times(steps.period, history + 2);
    if exhausted {
        // Another generation of rules found the same. That is one alert.
        let samples = steps_of(end, steps.sample) + 1;
        case.series.push((former(plan, REMAINING), constant("-1", samples)));
        case.checks.push(Check::Expr {
            at: old,
            expr: format!("count by (severity) ({})", firing(plan, EXHAUSTED)),
            samples: vec![(r#"{severity="ticket"}"#.to_owned(), "1".to_owned())],
        });
    } else {
        case.expect_nothing(old, firing(plan, EXHAUSTED));
    }
    let remaining = plan.recorded(REMAINING);
    case.expect_value(old, format!("sum(abs({remaining} - {:.2}) < bool 0.005)", 1.0 - factor), 1);
    case
}

/// A gap in the history. It counts if the short window of the longest tier reaches back to it.
fn interrupted(plan: &Plan<'_>, steps: &Steps) -> Option<Case> {
    let (offset, span) = plan.history();
    let (offset, span) = (steps_of(offset, steps.period), steps_of(span, steps.period));
    if span < 12 {
        return None;
    }
    let events = traffic(plan);
    let bad = share(events, plan.slo.objective().error_budget().as_f64() * 1.03);
    let samples = |n: u64| steps_of(times(steps.period, n), steps.sample);
    let end = offset + span * 2;
    let gap = samples(span + span / 2);
    // The first part ends a step early, so that no sample lies on the edge.
    let first = samples(span / 3).saturating_sub(1);
    let timeline = Timeline::new(steps.sample).then(first, events - bad, bad).gap(gap).then(
        samples(end).saturating_sub(first + gap),
        events - bad,
        bad,
    );
    let mut case = Case::new("an interrupted history counts where there is one", timeline);
    let expr = format!("count({})", firing(plan, EXHAUSTED));
    case.expect_value(times(steps.period, offset + span * 19 / 20), expr, 1);
    case.expect_nothing(times(steps.period, offset + span * 5 / 3), firing(plan, EXHAUSTED));
    Some(case)
}
