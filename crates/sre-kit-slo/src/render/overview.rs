//! `README.md` of the generated folder, which describes the other files.

use std::fmt::Write;

use super::options::Options;
use super::plan::Plan;
use super::promql::duration;
use crate::{Definition, EventSource, Slos};

const FILES: &str = "\
## Files

| Path | For | Check |
|---|---|---|
| `prometheus/*.rules.yaml` | `rule_files` of Prometheus | `promtool check rules --lint=all prometheus/*.rules.yaml` |
| `prometheus/*.test.yaml` | tests of those rules, on promtool 2 and 3 | `promtool test rules prometheus/*.test.yaml` |
| `kubernetes/*.prometheusrule.yaml` | the Prometheus Operator: `PrometheusRule` | `kubectl apply --dry-run=server -f` |
| `kubernetes/*.gmp-rules.yaml` | Google Cloud Managed Service for Prometheus: `Rules` | `kubectl apply --dry-run=server -f` |
| `alertmanager/alertmanager.yaml` | routes, inhibition, receivers | `amtool check-config alertmanager/alertmanager.yaml` |
| `grafana/*.json` | dashboards, to import or provision | |
| `openslo/slos.yaml` | OpenSLO v1, for other tools | |
| `k6/thresholds.js` | load tests that fail by the same numbers | |
| `runbooks/` | one page per SLO and alert: publish it under the address that alerts link to | |
| `MANIFEST` | the list of these files | |

Apply either `kubernetes/*.prometheusrule.yaml` or `kubernetes/*.gmp-rules.yaml`, not both.
";

/// Returns what an SLO measures, and of which events.
fn measures(slo: &Definition) -> String {
    let indicator = slo.indicator().as_str();
    match slo.source() {
        EventSource::Requests => indicator.to_owned(),
        source => format!("{indicator} of {source}"),
    }
}

/// Renders `README.md`.
pub(super) fn readme(slos: &Slos, options: &Options) -> String {
    let header = super::HEADER.replace('\n', " ");
    // Writing to a String cannot fail.
    let mut text = format!("<!-- {header} -->\n# SLOs of {}\n\n{header}\n", slos.service());
    let _ = writeln!(
        text,
        "\n| SLO | Measures | Objective | Over | Tiers (factor, long, short) |\n|---|---|---|---|---|"
    );
    for slo in slos {
        let plan = Plan::new(slos.service(), slo, options);
        let tiers: Vec<_> = plan
            .tiers
            .iter()
            .map(|tier| {
                let (long, short) = (duration(tier.long), duration(tier.short));
                format!("{} {} ({}, {long}, {short})", tier.severity, tier.name, tier.factor)
            })
            .collect();
        let _ = writeln!(
            text,
            "| `{}` | {} | {} % | {} | {} |",
            slo.name(),
            measures(slo),
            slo.objective(),
            duration(plan.period),
            tiers.join("; "),
        );
    }
    for adjustment in slos.tier_adjustments() {
        let _ = write!(text, "\nNote: {adjustment}.\n");
    }
    for gap in slos.dependency_gaps() {
        let _ = write!(text, "\nNote: {gap}.\n");
    }
    let _ = write!(text, "\n{FILES}");
    text
}
