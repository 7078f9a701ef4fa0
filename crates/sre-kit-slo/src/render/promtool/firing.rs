//! Firing alerts, as promtool sees them.

use super::super::plan::{Plan, PlannedTier};
use super::super::promql::Selector;
use super::super::rules::{Group, Name, Rule};
use super::expectation::Expectation;

/// Names and values of labels or annotations.
pub(super) type Labels = Vec<(String, String)>;

/// Returns the selector of the series that Prometheus sets while an alert fires.
pub(super) fn firing(plan: &Plan<'_>, alert: &str) -> Selector {
    Selector::new("ALERTS")
        .with("alertname", alert)
        .with("alertstate", "firing")
        .with("service", plan.service)
        .with("slo", plan.slo.name())
}

/// Returns the sample of a firing tier in `count by (severity, slo_tier)`.
pub(super) fn fired(tier: &PlannedTier<'_>, expected: Expectation) -> Option<(String, String)> {
    let Expectation::Fires(severity) = expected else { return None };
    let labels = format!(r#"{{severity="{severity}", slo_tier="{}"}}"#, tier.name);
    Some((labels, "1".to_owned()))
}

/// Returns the labels and annotations of an alert whose expression returned `value`, with `more`
/// labels of the series that it read.
pub(super) fn as_alert(rule: &Rule, more: Labels, value: &str) -> (Labels, Labels) {
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

/// Returns an iterator over the alerts of one name.
pub(super) fn alerts<'r>(
    groups: &'r [Group],
    name: &'static str,
) -> impl Iterator<Item = &'r Rule> {
    groups.iter().flat_map(|group| &group.rules).filter(move |rule| rule.name == Name::Alert(name))
}
