//! Scenarios of the period: its error ratio, its budget and its end.

use std::time::Duration;

use super::super::plan::Plan;
use super::super::rules::{EXHAUSTED, PERIOD_BURN, REMAINING};
use super::case::{Case, Check};
use super::firing::firing;
use super::numbers::{share, steps_of, times, traffic};
use super::steps::Steps;
use super::timeline::Timeline;

pub(super) fn cases(plan: &Plan<'_>, steps: &Steps) -> Vec<Case> {
    let mut cases = vec![quiet_hour(plan, steps), forgetting(plan, steps)];
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
    let per_coarse = steps_of(steps.coarse, steps.sample).max(1);
    let few = events / 1_000;
    let timeline = Timeline::new(steps.sample).then(46 * per_coarse, events, 0).then(
        2 * per_coarse,
        few / 2,
        few / 2,
    );
    let expected = timeline.ratio(timeline.len(), plan.period);
    let mut case = Case::new("a quiet hour that half fails weighs as little as it is", timeline);
    let at = times(steps.coarse, 48);
    case.expect_near(at, &plan.ratio(plan.period), expected, 0.1);
    case
}

/// Events that are older than the period do not count, and all younger ones do.
fn forgetting(plan: &Plan<'_>, steps: &Steps) -> Case {
    let events = traffic(plan);
    let in_period = |share: f64| {
        let coarse = steps_of(plan.period, steps.coarse) as f64 * share;
        // A period has a few thousand steps, so the cast loses nothing.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        times(steps.coarse, coarse.round() as u64)
    };
    let samples = |length: Duration| steps_of(length, steps.sample);
    let (burst, end) = (samples(in_period(0.1)), samples(in_period(1.13)));
    let budget = plan.slo.objective().error_budget().as_f64();
    let (few, many) = (share(events, budget / 2.0), events * 10);
    let timeline = Timeline::new(steps.sample).then(burst, many - events, events).then(
        end.saturating_sub(burst),
        events - few,
        few,
    );
    let (before, after) = (in_period(0.95), in_period(1.12));
    let mut checks = Vec::new();
    for at in [before, after] {
        checks.push((at, timeline.ratio(samples(at), plan.period)));
    }
    let mut case = Case::new("the period forgets what is older, and nothing younger", timeline);
    for (at, expected) in checks {
        case.expect_near(at, &plan.ratio(plan.period), expected, 0.05);
        case.expect_near(at, &plan.recorded(PERIOD_BURN), expected / budget, 0.05);
    }
    case.expect_near(after, &plan.recorded(REMAINING), 0.5, 0.05);
    case
}

/// Constant errors just above or just below what the objective allows.
fn budget(plan: &Plan<'_>, steps: &Steps, factor: f64, exhausted: bool) -> Case {
    let events = traffic(plan);
    let bad = share(events, plan.slo.objective().error_budget().as_f64() * factor);
    let (offset, span) = plan.history();
    let history = steps_of(offset, steps.coarse);
    let end = times(steps.coarse, history + 3);
    let timeline = Timeline::new(steps.sample).then(steps_of(end, steps.sample), events - bad, bad);
    let how = if exhausted { "above" } else { "below" };
    let mut case = Case::new(format!("errors just {how} the budget, from the start"), timeline);
    // There is less history than the longest alert window.
    let young = times(steps.coarse, history.saturating_sub(steps_of(span, steps.coarse) / 2));
    case.expect_nothing(young, firing(plan, EXHAUSTED));
    let old = times(steps.coarse, history + 2);
    if exhausted {
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
    let (offset, span) = (steps_of(offset, steps.coarse), steps_of(span, steps.coarse));
    if span < 12 {
        return None;
    }
    let events = traffic(plan);
    let bad = share(events, plan.slo.objective().error_budget().as_f64() * 1.03);
    let samples = |coarse: u64| steps_of(times(steps.coarse, coarse), steps.sample);
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
    case.expect_value(times(steps.coarse, offset + span * 19 / 20), expr, 1);
    case.expect_nothing(times(steps.coarse, offset + span * 5 / 3), firing(plan, EXHAUSTED));
    Some(case)
}
