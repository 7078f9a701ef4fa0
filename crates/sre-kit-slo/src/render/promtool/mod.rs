//! Tests for `promtool test rules`, made from the same definition as the rules.
//!
//! What a rule should do is computed here from the definition alone, on an exact
//! log of events; promtool computes what the rule does. Both agree on promtool 2
//! (closed ranges) and 3 (left-open ranges): every check keeps away from edges.

mod burn;
mod numbers;
mod period;
mod source;
mod timeline;
mod windows;

use std::collections::BTreeMap;
use std::time::Duration;

use self::numbers::{rough, share, steps_of, times, traffic};
use self::timeline::Timeline;
use super::plan::{Plan, PlannedTier};
use super::promql::{Selector, duration};
use super::rules::{BURN, Group, Name, Rule};
use super::yaml::{Yaml, map, texts};
use crate::Severity;

/// Tests of one evaluation interval, which promtool knows one of per file.
pub(super) struct TestFile {
    /// `checkout.test.yaml`
    pub(super) name: String,
    pub(super) text: String,
}

/// One story and what should be seen in it.
struct Case {
    name: String,
    instances: Vec<(&'static str, Timeline)>,
    checks: Vec<Check>,
}

enum Check {
    /// The samples of an expression: labels and value.
    Expr { at: Duration, expr: String, samples: Vec<(String, String)> },
    /// All alerts of one name, with every label and annotation.
    Alerts { at: Duration, name: &'static str, alerts: Vec<(Labels, Labels)> },
}

type Labels = Vec<(String, String)>;

/// What a tier does at some moment, or that the moment is too close to call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Fires(Severity),
    Silent,
    Unclear,
}

/// How far from a threshold a moment has to be.
const MARGIN: f64 = 0.02;

/// The steps that stories are told in.
struct Steps {
    /// For windows of minutes and hours.
    fine: Duration,
    /// For windows of days, and for the period.
    coarse: Duration,
    /// Between two samples where the recorded five-minute rates matter.
    sample: Duration,
}

impl Steps {
    fn new(plan: &Plan<'_>) -> Self {
        let fine = plan.base / 5;
        let long = plan.tiers.iter().filter(|tier| tier.long > fine * 600);
        let shortest = long.map(|tier| tier.short / 4).min();
        let wanted = shortest.map_or(plan.period / 1_440, |s| s.min(plan.period / 1_440));
        // A divisor of an hour where it can be, so that it divides windows as well.
        let fits = |n: &u32| plan.base * *n <= wanted;
        let coarse = [12, 6, 4, 3, 2, 1].into_iter().find(fits).map(|n| plan.base * n);
        let coarse = coarse.unwrap_or_else(|| millis(wanted.max(fine)));
        Self { fine, coarse, sample: millis(plan.base / 2) }
    }

    /// A part of `fine`, so that an evaluation sees the last sample: a sixth, or
    /// the next larger one that is whole milliseconds.
    fn finest(&self) -> Duration {
        let divides = |n: &u32| self.fine.as_millis().is_multiple_of(u128::from(*n));
        (2..=6).rev().find(divides).map_or(self.fine, |n| self.fine / n)
    }

    /// The step for stories of one tier, and the end of the file's name.
    fn of_tier(&self, tier: &PlannedTier<'_>) -> (Duration, String) {
        let fits = |step: Duration| {
            let divides = |window: Duration| window.as_millis().is_multiple_of(step.as_millis());
            divides(tier.long)
                && divides(tier.short)
                && tier.short >= step * 4
                && tier.long <= step * 600
        };
        if fits(self.fine) {
            (self.fine, String::new())
        } else if fits(self.coarse) {
            (self.coarse, ".period".to_owned())
        } else {
            (millis(tier.short / 5), format!(".{}", tier.name))
        }
    }
}

/// Whole milliseconds, at least one: promtool knows nothing finer.
fn millis(length: Duration) -> Duration {
    Duration::from_millis(u64::try_from(length.as_millis()).unwrap_or(u64::MAX).max(1))
}

/// The test files of one SLO. `groups` are its rules, in the order of evaluation.
pub(super) fn files(plan: &Plan<'_>, groups: &[Group], header: &str) -> Vec<TestFile> {
    let steps = Steps::new(plan);
    let mut files: BTreeMap<String, (Duration, Vec<Case>)> = BTreeMap::new();
    let mut add = |end: String, step: Duration, cases: Vec<Case>| {
        files.entry(end).or_insert_with(|| (step, Vec::new())).1.extend(cases);
    };
    add(String::new(), steps.fine, source::cases(plan, groups, &steps));
    add(String::new(), steps.fine, burn::ladder(plan, groups, &steps));
    for tier in &plan.tiers {
        let (step, end) = steps.of_tier(tier);
        add(end, step, burn::stories(plan, tier, step));
    }
    let (short, long): (Vec<_>, Vec<_>) =
        plan.windows().into_iter().partition(|window| *window <= steps.fine * 600);
    let (minutes, hours): (Vec<_>, Vec<_>) =
        short.into_iter().partition(|window| *window <= plan.base * 12);
    for (windows, step) in [(minutes, steps.finest()), (hours, steps.fine)] {
        add(String::new(), steps.fine, windows::cases(plan, &windows, step, steps.fine));
    }
    let periods = windows::cases(plan, &long, steps.coarse, steps.coarse);
    add(".period".to_owned(), steps.coarse, periods);
    add(".period".to_owned(), steps.coarse, period::cases(plan, &steps));
    let name = plan.slo.name();
    let rules = format!("{name}.rules.yaml");
    files
        .into_iter()
        .map(|(end, (step, cases))| TestFile {
            name: format!("{name}{end}.test.yaml"),
            text: document(plan, &rules, groups, step, &cases).document(header),
        })
        .collect()
}

fn document(
    plan: &Plan<'_>,
    rules: &str,
    groups: &[Group],
    step: Duration,
    cases: &[Case],
) -> Yaml {
    let order = groups.iter().map(|group| Yaml::from(&group.name)).collect::<Vec<_>>();
    map([
        ("rule_files", Yaml::List(vec![rules.into()])),
        ("evaluation_interval", Yaml::from(duration(step))),
        ("group_eval_order", order.into()),
        ("tests", cases.iter().map(|case| case.yaml(plan)).collect::<Vec<_>>().into()),
    ])
}

impl Case {
    fn new(name: impl Into<String>, timeline: Timeline) -> Self {
        Self { name: name.into(), instances: vec![("a", timeline)], checks: Vec::new() }
    }

    /// With a second instance to which nothing happens: a sum does not mind, a
    /// mean would.
    fn beside_an_idle_one(name: impl Into<String>, timeline: Timeline) -> Self {
        let idle = timeline.idle();
        let mut case = Self::new(name, timeline);
        case.instances.push(("b", idle));
        case
    }

    fn yaml(&self, plan: &Plan<'_>) -> Yaml {
        let step = self.instances.first().map_or(plan.base, |(_, timeline)| timeline.step);
        let mut series = Vec::new();
        for (instance, timeline) in &self.instances {
            for (outcome, values) in ["good", "bad"].into_iter().zip(timeline.values()) {
                let name = plan.events().with("outcome", outcome).with("instance", instance);
                series.push(map([
                    ("series", Yaml::from(name.to_string())),
                    ("values", Yaml::from(values)),
                ]));
            }
        }
        let mut exprs = Vec::new();
        let mut alerts = Vec::new();
        for check in &self.checks {
            match check {
                Check::Expr { at, expr, samples } => exprs.push(map([
                    ("expr", Yaml::from(expr)),
                    ("eval_time", Yaml::from(duration(*at))),
                    ("exp_samples", samples.iter().map(sample).collect::<Vec<_>>().into()),
                ])),
                Check::Alerts { at, name, alerts: expected } => alerts.push(map([
                    ("eval_time", Yaml::from(duration(*at))),
                    ("alertname", Yaml::from(*name)),
                    ("exp_alerts", expected.iter().map(expected_alert).collect::<Vec<_>>().into()),
                ])),
            }
        }
        let mut yaml = map([
            ("name", Yaml::from(&self.name)),
            ("interval", Yaml::from(duration(step))),
            ("input_series", series.into()),
        ]);
        if !exprs.is_empty() {
            yaml = yaml.with("promql_expr_test", exprs.into());
        }
        if !alerts.is_empty() {
            yaml = yaml.with("alert_rule_test", alerts.into());
        }
        yaml
    }

    /// Expects an expression to give one sample without labels.
    fn expect_value(&mut self, at: Duration, expr: String, value: impl std::fmt::Display) {
        let samples = vec![("{}".to_owned(), format!("{value}"))];
        self.checks.push(Check::Expr { at, expr, samples });
    }

    /// Expects an expression to give nothing: neither a number nor NaN.
    fn expect_nothing(&mut self, at: Duration, expr: impl std::fmt::Display) {
        self.checks.push(Check::Expr { at, expr: format!("{expr}"), samples: Vec::new() });
    }

    /// Expects a series near a value. promtool 2 compares exactly and knows no
    /// tolerance, so the expression itself compares.
    fn expect_near(&mut self, at: Duration, series: &Selector, value: f64, tolerance: f64) {
        let expr = if value == 0.0 {
            format!("sum({series} == bool 0)")
        } else {
            format!("sum(abs({series} / {} - 1) < bool {tolerance})", rough(value))
        };
        self.expect_value(at, expr, 1);
    }

    /// Expects what one tier does.
    fn expect_tier(&mut self, plan: &Plan<'_>, tier: &PlannedTier<'_>, at: u64) {
        let Some((_, timeline)) = self.instances.first() else { return };
        let (step, verdict) = (timeline.step, verdict(tier, timeline, at));
        if verdict == Verdict::Unclear {
            return;
        }
        let expr = firing(plan, BURN).with("slo_tier", tier.name);
        let samples = fired(tier, verdict).into_iter().collect();
        self.checks.push(Check::Expr {
            at: times(step, at),
            expr: format!("count by (severity, slo_tier) ({expr})"),
            samples,
        });
    }
}

/// The series that says that an alert fires.
fn firing(plan: &Plan<'_>, alert: &str) -> Selector {
    Selector::new("ALERTS")
        .with("alertname", alert)
        .with("alertstate", "firing")
        .with("service", plan.service)
        .with("slo", plan.slo.name())
}

/// The sample of a firing tier in `count by (severity, slo_tier)`.
fn fired(tier: &PlannedTier<'_>, verdict: Verdict) -> Option<(String, String)> {
    let Verdict::Fires(severity) = verdict else { return None };
    let labels = format!(r#"{{severity="{severity}", slo_tier="{}"}}"#, tier.name);
    Some((labels, "1".to_owned()))
}

/// What the definition says a tier does: its ratio is above the threshold over
/// both windows, and a page has its minimum of bad events.
///
/// Prometheus 3 does not see the first interval of a window whose samples lie on
/// its edges, and 2 does: what hangs on that interval is not clear.
fn verdict(tier: &PlannedTier<'_>, timeline: &Timeline, at: u64) -> Verdict {
    let whole = verdict_over(tier, timeline, at, Duration::ZERO);
    let without_the_first = verdict_over(tier, timeline, at, timeline.step);
    if whole == without_the_first { whole } else { Verdict::Unclear }
}

fn verdict_over(tier: &PlannedTier<'_>, timeline: &Timeline, at: u64, unseen: Duration) -> Verdict {
    let threshold = tier.threshold.as_f64();
    let mut fires = true;
    for window in [tier.long, tier.short] {
        let ratio = timeline.ratio(at, window.saturating_sub(unseen));
        if (ratio / threshold - 1.0).abs() < MARGIN {
            return Verdict::Unclear;
        }
        fires &= ratio > threshold;
    }
    if !fires {
        return Verdict::Silent;
    }
    let bad = timeline.bad(at, tier.long.saturating_sub(unseen));
    let enough = tier.min_bad_events.is_none_or(|k| bad >= k);
    Verdict::Fires(if enough { tier.severity } else { Severity::Ticket })
}

fn sample((labels, value): &(String, String)) -> Yaml {
    map([("labels", Yaml::from(labels)), ("value", Yaml::Plain(value.clone()))])
}

fn expected_alert((labels, annotations): &(Labels, Labels)) -> Yaml {
    let pairs = |list: &Labels| texts(list.iter().map(|(name, value)| (name, value)));
    map([("exp_labels", pairs(labels)), ("exp_annotations", pairs(annotations))])
}

/// An alert as it looks once its expression gave `value`, with `more` labels of
/// the series it read.
fn as_alert(rule: &Rule, more: Labels, value: &str) -> (Labels, Labels) {
    let mut labels = more;
    labels.extend(rule.labels.iter().cloned());
    let annotations = rule
        .annotations
        .iter()
        .map(|(name, text)| {
            ((*name).to_owned(), text.replace("{{ $value | humanizePercentage }}", value))
        })
        .collect();
    (labels, annotations)
}

/// The alerts of a name among the rules.
fn alerts<'r>(groups: &'r [Group], name: &'static str) -> impl Iterator<Item = &'r Rule> {
    groups.iter().flat_map(|group| &group.rules).filter(move |rule| rule.name == Name::Alert(name))
}
