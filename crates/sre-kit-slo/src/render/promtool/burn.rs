//! Scenarios of burn alerts.

use std::time::Duration;

use super::super::plan::{Plan, PlannedTier};
use super::super::promql::duration;
use super::super::rules::{BURN, EXHAUSTED, Group};
use super::case::{Case, Check};
use super::expectation::{Expectation, expectation};
use super::firing::{alerts, as_alert, fired, firing};
use super::numbers::{share, steps_of, times, traffic};
use super::steps::Steps;
use super::timeline::Timeline;
use crate::Severity;

/// Constant error ratios, from a total outage to just below the threshold of the last tier.
///
/// A constant ratio is the same over every window, however long it has lasted, so that a few minutes
/// suffice for all tiers.
pub(super) fn ladder(plan: &Plan<'_>, groups: &[Group], steps: &Steps) -> Vec<Case> {
    let events = traffic(plan);
    let mut cases =
        vec![outage(plan, groups, steps, events), one_bad_instance(plan, steps, events)];
    let (step, per_fine) = steps.constant();
    let at = 10 * per_fine;
    for tier in &plan.tiers {
        for (factor, how) in [(1.03, "above"), (0.97, "below")] {
            let ratio = tier.threshold.as_f64() * factor;
            if ratio > 0.999 {
                continue;
            }
            let bad = share(events, ratio);
            let timeline = Timeline::new(step).then(at, events - bad, bad);
            let mut case = Case::new(
                format!("errors just {how} the threshold of tier {}", tier.name),
                timeline,
            );
            expect_all(&mut case, plan, at);
            cases.push(case);
        }
    }
    cases
}

/// Expects all tiers to follow their definition, as far as it is clear.
fn expect_all(case: &mut Case, plan: &Plan<'_>, at: u64) {
    let Some((_, timeline)) = case.instances.first() else { return };
    let expected: Vec<_> =
        plan.tiers.iter().map(|tier| (tier, expectation(tier, timeline, at))).collect();
    if expected.iter().any(|(_, state)| *state == Expectation::Unclear) {
        for tier in &plan.tiers {
            case.expect_tier(plan, tier, at);
        }
        return;
    }
    let expr = firing(plan, BURN);
    case.checks.push(Check::Expr {
        at: times(timeline.step, at),
        expr: format!("count by (severity, slo_tier) ({expr})"),
        samples: expected.into_iter().filter_map(|(tier, state)| fired(tier, state)).collect(),
    });
}

/// A total outage, with every label and annotation of the alerts.
fn outage(plan: &Plan<'_>, groups: &[Group], steps: &Steps, events: u64) -> Case {
    let (step, per_fine) = steps.constant();
    let timeline = Timeline::new(step).then(10 * per_fine, 0, events);
    let mut expected = Vec::new();
    for rule in alerts(groups, BURN) {
        let of = |label: &str| rule.labels.iter().find(|(name, _)| name == label);
        let Some((_, name)) = of("slo_tier") else { continue };
        let Some(tier) = plan.tiers.iter().find(|tier| tier.name == name) else { continue };
        // Every threshold is below 1, however close to it, so every tier fires.
        let enough =
            tier.min_bad_events.is_none_or(|k| timeline.bad(timeline.len(), tier.long) >= k);
        let severity = if enough { tier.severity } else { Severity::Ticket };
        // A page and its ticket exclude each other.
        let is_page = of("severity").is_some_and(|(_, label)| label == severity.as_str());
        if tier.min_bad_events.is_some() && !is_page {
            continue;
        }
        let mut more = vec![("window".to_owned(), duration(tier.long))];
        if plan.options.sloth {
            more.extend(plan.sloth_labels());
            more.push(("sloth_window".to_owned(), duration(tier.long)));
        }
        expected.push(as_alert(rule, more, "100%"));
    }
    let at = times(steps.fine, 10);
    let mut case = Case::new("a total outage fires every tier", timeline);
    case.checks.push(Check::Alerts { at, name: BURN, alerts: expected });
    // There is not enough history to call the budget exhausted.
    case.checks.push(Check::Alerts { at, name: EXHAUSTED, alerts: Vec::new() });
    case
}

/// One small instance that fails. Events are summed over instances, and a mean of ratios would fire.
fn one_bad_instance(plan: &Plan<'_>, steps: &Steps, events: u64) -> Case {
    let budget = plan.slo.objective().error_budget().as_f64();
    let bad = share(events, budget / 2.0);
    let mut case = Case::new(
        "a small instance that half fails beside a large one is no burn",
        Timeline::new(steps.fine).then(10, events, 0),
    );
    case.instances.push(("b", Timeline::new(steps.fine).then(10, bad, bad)));
    case.expect_nothing(times(steps.fine, 10), firing(plan, BURN));
    case
}

/// One tier over time: how soon it fires, when it stops, and what must not make it fire.
pub(super) fn scenarios(plan: &Plan<'_>, tier: &PlannedTier<'_>, step: Duration) -> Vec<Case> {
    let (long, short) = (steps_of(tier.long, step), steps_of(tier.short, step));
    let mut cases = vec![
        outage_and_recovery(plan, tier, step, (long, short)),
        blip(plan, tier, step, (long, short)),
        slowed(plan, tier, step, short),
    ];
    if let Some(minimum) = tier.min_bad_events.filter(|k| *k > 2) {
        let few = LowTraffic { plan, tier, step, minimum, long, short };
        cases.push(few.becomes_enough());
        for factor in [0.95, 1.05] {
            cases.extend([few.over_the_long_window(factor), few.over_the_short_window(factor)]);
        }
    }
    cases
}

/// A total outage after a good history. It fires after `long x factor x budget`.
fn outage_and_recovery(
    plan: &Plan<'_>,
    tier: &PlannedTier<'_>,
    step: Duration,
    (long, short): (u64, u64),
) -> Case {
    let events = traffic(plan);
    let detection = tier.threshold.as_f64() * long as f64;
    // There are few steps, so the casts lose nothing. The margin keeps away from whole steps.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let (silent, fires) =
        (((detection - 0.05).ceil() - 1.0).max(0.0) as u64, (detection + 0.05).floor() as u64 + 1);
    let outage = fires + 2;
    let timeline = Timeline::new(step).then(long, events, 0).then(outage, 0, events).then(
        short + 2,
        events,
        0,
    );
    let mut case = Case::new(
        format!("tier {} fires on a total outage in time, and stops after it", tier.name),
        timeline,
    );
    let healed = long + outage;
    for at in [long + silent, long + fires, healed, healed + short - 2, healed + short + 1] {
        case.expect_tier(plan, tier, at);
    }
    case
}

/// Errors far above the threshold over the short window that reach it over the long window only at
/// the end, so that the long window decides.
fn blip(
    plan: &Plan<'_>,
    tier: &PlannedTier<'_>,
    step: Duration,
    (long, short): (u64, u64),
) -> Case {
    let events = traffic(plan);
    let needed = tier.threshold.as_f64() * long as f64;
    let ratio = (needed * NEARLY / short.max(1) as f64).min(1.0);
    let bad = share(events, ratio);
    // There are few steps, so the casts lose nothing.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let (below, above) =
        ((needed * NEARLY / ratio).round() as u64, (needed * 1.05 / ratio).ceil() as u64);
    let above = above.max(below + 1);
    // A longer window would include more of the good history and not fire.
    let timeline = Timeline::new(step).then(long * 8 / 5, events, 0).then(above, events - bad, bad);
    let begin = timeline.len() - above;
    let mut case =
        Case::new(format!("tier {} waits for the long window, and no longer", tier.name), timeline);
    case.expect_tier(plan, tier, begin + below);
    case.expect_tier(plan, tier, begin + above);
    case
}

/// Errors far above the threshold that fall to just below it, so that the short window decides.
fn slowed(plan: &Plan<'_>, tier: &PlannedTier<'_>, step: Duration, short: u64) -> Case {
    let events = traffic(plan);
    let threshold = tier.threshold.as_f64();
    let (much, little) = (share(events, threshold * 3.0), share(events, threshold * NEARLY));
    let timeline = Timeline::new(step).then(short * 2, events - much, much).then(
        short + 1,
        events - little,
        little,
    );
    let at = timeline.len();
    let mut case =
        Case::new(format!("tier {} stops when the short window is below it", tier.name), timeline);
    case.expect_tier(plan, tier, at);
    case
}

/// A factor that is just below a threshold.
const NEARLY: f64 = 0.95;

/// A service with little traffic: fewer bad events than a page needs.
///
/// Many events were bad before the long window, and the rules must not see them. Since then the
/// counters are above zero, so that both versions of promtool extrapolate them in the same way.
struct LowTraffic<'a> {
    plan: &'a Plan<'a>,
    tier: &'a PlannedTier<'a>,
    step: Duration,
    minimum: u64,
    long: u64,
    short: u64,
}

impl LowTraffic<'_> {
    /// Returns the good events beside which `bad` events are `factor` times the threshold.
    fn good(&self, bad: u64, factor: f64) -> u64 {
        let all = bad as f64 / (self.tier.threshold.as_f64() * factor);
        // A few bad events over a threshold of at least a few millionths fit.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let all = all.round() as u64;
        all.saturating_sub(bad)
    }

    /// Starts with events before the long window. Returns the step at which the scenario ends.
    fn begin(&self, good: u64) -> (Timeline, u64) {
        let timeline = Timeline::new(self.step).until(1, good, self.minimum * 3);
        (timeline, self.long * 4 / 3)
    }

    fn case(&self, what: &str, timeline: Timeline) -> Case {
        Case::beside_an_idle_one(format!("tier {} {what}", self.tier.name), timeline)
    }

    /// A ticket with one bad event less than the minimum, a page with the minimum. Most of them
    /// happened in the older half of the long window.
    fn becomes_enough(&self) -> Case {
        let too_few = self.minimum - 1;
        let good = self.good(too_few, 1.5);
        let (timeline, end) = self.begin(good);
        let old = end - self.long * 2 / 3;
        let timeline = timeline.until(old, good, too_few - 1).until(end, 0, 1).until(end + 1, 0, 1);
        let what = format!("is a ticket below {} bad events, and a page from there", self.minimum);
        let mut case = self.case(&what, timeline);
        case.expect_tier(self.plan, self.tier, end);
        case.expect_tier(self.plan, self.tier, end + 1);
        case
    }

    /// The long window decides, because the short one has only errors.
    fn over_the_long_window(&self, factor: f64) -> Case {
        let too_few = self.minimum - 1;
        let good = self.good(too_few, factor);
        let (timeline, end) = self.begin(good);
        let timeline = timeline.until(end - self.long * 2 / 3, good, 0).until(end, 0, too_few);
        let what = format!("with few events at {factor} times its threshold over the long window");
        let mut case = self.case(&what, timeline);
        case.expect_tier(self.plan, self.tier, end);
        case
    }

    /// The short window decides, because the long one has several times as many errors.
    fn over_the_short_window(&self, factor: f64) -> Case {
        let good = self.good(1, factor);
        let (timeline, end) = self.begin(good);
        let timeline = timeline
            .until(end - self.short * 3 / 2, 0, self.minimum - 2)
            .until(end - self.short * 2 / 3, good, 0)
            .until(end, 0, 1);
        let what = format!("with few events at {factor} times its threshold over the short window");
        let mut case = self.case(&what, timeline);
        case.expect_tier(self.plan, self.tier, end);
        case
    }
}
