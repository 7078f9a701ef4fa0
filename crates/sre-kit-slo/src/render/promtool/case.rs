//! One test case of promtool.

use std::time::Duration;

use super::super::plan::{Plan, PlannedTier};
use super::super::promql::{Selector, duration};
use super::super::rules::BURN;
use super::super::yaml::{Yaml, map, texts};
use super::expectation::{Expectation, expectation};
use super::firing::{Labels, fired, firing};
use super::numbers::{rough, times};
use super::timeline::Timeline;

/// One scenario and the checks of it.
pub(super) struct Case {
    pub(super) name: String,
    /// The time between two samples.
    pub(super) step: Duration,
    pub(super) instances: Vec<(&'static str, Timeline)>,
    /// Further series, with their samples in the notation of promtool.
    pub(super) series: Vec<(Selector, String)>,
    pub(super) checks: Vec<Check>,
}

/// One check at one moment.
pub(super) enum Check {
    /// The samples of an expression, as labels and value.
    Expr { at: Duration, expr: String, samples: Vec<(String, String)> },
    /// All alerts of one name, with all labels and annotations.
    Alerts { at: Duration, name: &'static str, alerts: Vec<(Labels, Labels)> },
}

impl Case {
    pub(super) fn new(name: impl Into<String>, timeline: Timeline) -> Self {
        Self {
            name: name.into(),
            step: timeline.step,
            instances: vec![("a", timeline)],
            series: Vec::new(),
            checks: Vec::new(),
        }
    }

    /// Creates a case with a second, idle instance. It changes a mean over instances and not a sum.
    pub(super) fn beside_an_idle_one(name: impl Into<String>, timeline: Timeline) -> Self {
        let idle = timeline.idle();
        let mut case = Self::new(name, timeline);
        case.instances.push(("b", idle));
        case
    }

    pub(super) fn yaml(&self, plan: &Plan<'_>) -> Yaml {
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
        for (name, values) in &self.series {
            series.push(map([
                ("series", Yaml::from(name.to_string())),
                ("values", Yaml::from(values)),
            ]));
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
            ("interval", Yaml::from(duration(self.step))),
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

    /// Expects one sample without labels from an expression.
    pub(super) fn expect_value(
        &mut self,
        at: Duration,
        expr: String,
        value: impl std::fmt::Display,
    ) {
        let samples = vec![("{}".to_owned(), format!("{value}"))];
        self.checks.push(Check::Expr { at, expr, samples });
    }

    /// Expects no sample from an expression, neither a number nor NaN.
    pub(super) fn expect_nothing(&mut self, at: Duration, expr: impl std::fmt::Display) {
        self.checks.push(Check::Expr { at, expr: format!("{expr}"), samples: Vec::new() });
    }

    /// Expects a series near a value. promtool 2 compares exactly and has no tolerance, so the
    /// expression itself compares.
    pub(super) fn expect_near(
        &mut self,
        at: Duration,
        series: &Selector,
        value: f64,
        tolerance: f64,
    ) {
        let expr = if value == 0.0 {
            format!("sum({series} == bool 0)")
        } else {
            format!("sum(abs({series} / {} - 1) < bool {tolerance})", rough(value))
        };
        self.expect_value(at, expr, 1);
    }

    /// Expects one tier to follow its definition at step `at`, unless that is unclear.
    pub(super) fn expect_tier(&mut self, plan: &Plan<'_>, tier: &PlannedTier<'_>, at: u64) {
        let Some((_, timeline)) = self.instances.first() else { return };
        let (step, expected) = (timeline.step, expectation(tier, timeline, at));
        if expected == Expectation::Unclear {
            return;
        }
        let expr = firing(plan, BURN).with("slo_tier", tier.name);
        let samples = fired(tier, expected).into_iter().collect();
        self.checks.push(Check::Expr {
            at: times(step, at),
            expr: format!("count by (severity, slo_tier) ({expr})"),
            samples,
        });
    }
}

fn sample((labels, value): &(String, String)) -> Yaml {
    map([("labels", Yaml::from(labels)), ("value", Yaml::Plain(value.clone()))])
}

fn expected_alert((labels, annotations): &(Labels, Labels)) -> Yaml {
    let pairs = |list: &Labels| texts(list.iter().map(|(name, value)| (name, value)));
    map([("exp_labels", pairs(labels)), ("exp_annotations", pairs(annotations))])
}
