//! The definitions in OpenSLO v1, for tools that read it.
//!
//! Source: the specification in the repository OpenSLO/OpenSLO, `openslo/v1`. It has no multi-window
//! burn-rate alerts (OpenSLO#218), so no `AlertPolicy` is written. Annotations hold what OpenSLO has
//! no field for, and the import reads them back.

use serde_json::json;

use super::options::Options;
use super::plan::Plan;
use super::promql::Selector;
use super::yaml::{Yaml, map, texts};
use crate::{BurnTier, Definition, EventClass, EventSource, Indicator, LatencyEnd, Slo, Slos};

/// The prefix of the annotation keys.
pub(super) const ANNOTATION: &str = "sre-kit/";

/// Renders one document per SLO.
pub(super) fn documents(slos: &Slos, options: &Options) -> String {
    let mut text = String::new();
    for slo in slos {
        let plan = Plan::new(slos.service(), slo, options);
        if !text.is_empty() {
            text.push_str("---\n");
        }
        let head = if text.is_empty() {
            format!("SLOs of {} in OpenSLO v1.\n{}", slos.service(), super::HEADER)
        } else {
            String::new()
        };
        text += &document(&plan).document(&head);
    }
    text
}

fn document(plan: &Plan<'_>) -> Yaml {
    let slo = plan.slo;
    let mut metadata = map([("name", Yaml::from(slo.name()))]);
    if !slo.labels().is_empty() {
        let labels = texts(slo.labels().iter().map(|(name, value)| (name, value)));
        metadata = metadata.with("labels", labels);
    }
    let annotations: Vec<_> = annotations(slo)
        .into_iter()
        .map(|(key, value)| (format!("{ANNOTATION}{key}"), value))
        .collect();
    metadata = metadata.with("annotations", texts(annotations));
    let mut spec = map([("service", Yaml::from(plan.service))]);
    if !slo.description().is_empty() {
        spec = spec.with("description", slo.description().into());
    }
    let window = map([("duration", duration(slo)), ("isRolling", Yaml::from(true))]);
    let objective = map([
        ("displayName", Yaml::from(format!("{} % good", slo.objective()))),
        ("target", Yaml::Plain(slo.objective().ratio().to_string())),
    ]);
    let spec = spec
        .with("indicator", indicator(plan))
        .with("timeWindow", Yaml::List(vec![window]))
        .with("budgetingMethod", "Occurrences".into())
        .with("objectives", Yaml::List(vec![objective]));
    map([
        ("apiVersion", Yaml::from("openslo/v1")),
        ("kind", Yaml::from("SLO")),
        ("metadata", metadata),
        ("spec", spec),
    ])
}

/// Renders the period. It is never compressed, because it is part of the definition.
fn duration(slo: &Definition) -> Yaml {
    slo.period().to_string().into()
}

fn indicator(plan: &Plan<'_>) -> Yaml {
    let source = |selector: &Selector| {
        let query = map([("query", Yaml::from(format!("sum({selector})")))]);
        map([("metricSource", map([("type", Yaml::from("Prometheus")), ("spec", query)]))])
    };
    let ratio = map([
        ("counter", Yaml::from(true)),
        ("bad", source(&plan.bad_events())),
        ("total", source(&plan.events())),
    ]);
    map([
        ("metadata", map([("name", Yaml::from(plan.slo.name()))])),
        ("spec", map([("ratioMetric", ratio)])),
    ])
}

/// Returns the properties that OpenSLO has no field for. Lists are JSON, which is valid YAML.
fn annotations(slo: &Definition) -> Vec<(&'static str, String)> {
    let mut found = vec![("indicator", slo.indicator().as_str().to_owned())];
    if *slo.source() != EventSource::Requests {
        found.push(("source", slo.source().to_string()));
    }
    if slo.share() < 1.0 {
        found.push(("share", slo.share().to_string()));
    }
    if let Indicator::Latency { threshold, until } = slo.indicator() {
        found.push(("threshold-nanoseconds", threshold.as_nanos().to_string()));
        if until == LatencyEnd::Headers {
            found.push(("until", "headers".to_owned()));
        }
    }
    for (key, list) in
        [("routes", slo.routes()), ("methods", slo.methods()), ("marks", slo.exclusions())]
    {
        if !list.is_empty() {
            found.push((key, json!(list).to_string()));
        }
    }
    for (key, text) in [("owner", slo.owner()), ("runbooks", slo.runbooks())] {
        if !text.is_empty() {
            found.push((key, text.to_owned()));
        }
    }
    let Some(defaults) = with_defaults(slo) else { return found };
    let Some(defaults) = defaults.iter().next() else { return found };
    found.extend(changed_classes(slo, defaults));
    if slo.tiers() != defaults.tiers() {
        let tiers: Vec<_> = slo.tiers().iter().map(tier).collect();
        found.push(("tiers", json!(tiers).to_string()));
    }
    found
}

/// Returns the same SLO with all defaults, to find out what was changed.
fn with_defaults(slo: &Definition) -> Option<Slos> {
    let of_source = match slo.source() {
        EventSource::Calls(peer) => Some(Slo::dependency(peer, slo.objective()).share(slo.share())),
        EventSource::Work(unit) => Some(Slo::work(unit, slo.objective())),
        _ => None,
    };
    let same = match slo.indicator() {
        Indicator::Availability => Slo::availability(slo.name(), slo.objective()),
        Indicator::Latency { threshold, .. } => {
            Slo::latency(slo.name(), slo.objective(), threshold)
        }
        Indicator::Ratio => Slo::ratio(slo.name(), slo.objective()),
    };
    let same = match (of_source, slo.indicator()) {
        (None, _) => same,
        (Some(same), Indicator::Latency { threshold, .. }) => same.within(threshold),
        (Some(same), _) => same,
    };
    Slos::new("service", [same.named(slo.name()).period(slo.period())]).ok()
}

/// Returns the outcomes whose class differs from the default.
fn changed_classes(slo: &Definition, defaults: &Definition) -> Vec<(&'static str, String)> {
    let ignored = |outcome: &&str| *slo.class_of(outcome) == EventClass::Ignored;
    let mut outcomes: Vec<_> = slo.outcomes().collect();
    outcomes.sort_unstable();
    outcomes.dedup();
    let mut changed = serde_json::Map::new();
    for outcome in &outcomes {
        let class = slo.class_of(outcome);
        if class == defaults.class_of(outcome) {
            continue;
        }
        let value = match class {
            EventClass::Good => json!("good"),
            EventClass::Bad => json!("bad"),
            EventClass::Excluded(reason) => json!({"exclude": reason}),
            _ => continue,
        };
        changed.insert((*outcome).to_owned(), value);
    }
    let mut found = Vec::new();
    if !changed.is_empty() {
        found.push(("outcomes", serde_json::Value::Object(changed).to_string()));
    }
    if outcomes.iter().any(&ignored) {
        let only: Vec<_> = outcomes.iter().filter(|outcome| !ignored(outcome)).collect();
        found.push(("only", json!(only).to_string()));
    }
    found
}

fn tier(tier: &BurnTier) -> serde_json::Value {
    json!({
        "name": tier.name(),
        "severity": tier.severity().as_str(),
        "long": tier.long().to_string(),
        "short": tier.short().to_string(),
        "factor": tier.factor().to_string(),
        "minBadEvents": tier.min_bad_events(),
    })
}
