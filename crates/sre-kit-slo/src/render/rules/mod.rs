//! The recording rules and alerts of one SLO.

mod alerts;
mod names;
mod recording;
mod rule;

use std::time::Duration;

use super::plan::Plan;

pub(super) use names::*;
pub(super) use recording::days;
pub(super) use rule::{Group, Name, Rule};

/// Returns the two groups of one SLO: rules that alerts need, and rules over the period.
///
/// The second group is evaluated less often. Its sums read a month of samples and hardly change
/// within two minutes. Prometheus looks back five minutes for a sample, which bridges the gap.
pub(super) fn groups(plan: &Plan<'_>) -> [Group; 2] {
    let alert_interval = plan.options.evaluation_interval;
    let period_interval = (alert_interval * 4).min(Duration::from_secs(2 * 60)).max(alert_interval);
    let mut rules = recording::error_ratios(plan);
    rules.extend(recording::rates(plan));
    rules.push(recording::current_burn(plan));
    rules.extend(plan.tiers.iter().flat_map(|tier| alerts::burn_alerts(plan, tier)));
    rules.push(alerts::absent_alert(plan));
    let mut period = recording::metadata(plan);
    period.extend(recording::budget(plan));
    period.push(alerts::exhausted_alert(plan));
    let name = format!("slo-{}", plan.id());
    let period_name = format!("{name}-period");
    // The second group reads series that the first one records.
    [
        Group { name, interval: alert_interval, rules },
        Group { name: period_name, interval: period_interval, rules: period },
    ]
}
