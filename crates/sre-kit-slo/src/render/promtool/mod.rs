//! Tests for `promtool test rules`, from the same definition as the rules.
//!
//! The expected results are computed here from the definition alone, on an exact log of events, and
//! promtool computes what the rules return. promtool 2 has closed ranges and promtool 3 left-open
//! ranges. Both give the same results, because no check depends on a sample at the edge of a range.

mod burn;
mod case;
mod expectation;
mod firing;
mod numbers;
mod period;
mod source;
mod steps;
mod timeline;
mod windows;

use std::collections::BTreeMap;
use std::time::Duration;

use self::case::Case;
use self::steps::Steps;
use super::plan::Plan;
use super::promql::duration;
use super::rules::Group;
use super::yaml::{Yaml, map};

/// The tests of one evaluation interval. promtool allows one interval per file.
pub(super) struct TestFile {
    /// The name of the file, such as `checkout.test.yaml`.
    pub(super) name: String,
    pub(super) text: String,
}

/// Renders the test files of one SLO. `groups` are its rules in the order of evaluation.
pub(super) fn files(plan: &Plan<'_>, groups: &[Group], header: &str) -> Vec<TestFile> {
    let steps = Steps::new(plan);
    let mut files: BTreeMap<String, (Duration, Vec<Case>)> = BTreeMap::new();
    let mut add = |suffix: String, step: Duration, cases: Vec<Case>| {
        files.entry(suffix).or_insert_with(|| (step, Vec::new())).1.extend(cases);
    };
    add(String::new(), steps.fine, source::cases(plan, groups, &steps));
    add(String::new(), steps.fine, burn::ladder(plan, groups, &steps));
    for tier in &plan.tiers {
        let (step, suffix) = steps.of_tier(tier);
        add(suffix, step, burn::scenarios(plan, tier, step));
    }
    let (short, days): (Vec<_>, Vec<_>) =
        plan.windows().into_iter().partition(|window| *window <= steps.fine * 600);
    let (minutes, hours): (Vec<_>, Vec<_>) =
        short.into_iter().partition(|window| *window <= plan.base * 12);
    for (windows, sample, step) in [
        (minutes, steps.finest(), steps.fine),
        (hours, steps.base, steps.base),
        (days, steps.coarse, steps.coarse),
    ] {
        add(steps.suffix(step), step, windows::cases(plan, &windows, sample, step));
    }
    add(steps.suffix(steps.period), steps.period, period::cases(plan, &steps));
    let name = plan.slo.name();
    let rules = format!("{name}.rules.yaml");
    files
        .into_iter()
        .map(|(suffix, (step, cases))| TestFile {
            name: format!("{name}{suffix}.test.yaml"),
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
