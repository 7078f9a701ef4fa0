//! Addresses of the stack's Services, in any text.

use std::collections::BTreeSet;

use serde_json::Value;

use super::facts;
use crate::contract::stack;

/// Namespaces of the stack, where a name is looked up.
const STACK: &[&str] = &["observability", "keda", "cert-manager", "external-dns"];

/// Every `service.namespace`, `:port` after it or 80, of the stack's namespaces in a text.
pub(super) fn addresses(text: &str) -> BTreeSet<(String, String, u64)> {
    let mut found = BTreeSet::new();
    let part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    for namespace in STACK {
        for (at, matched) in text.match_indices(&format!(".{namespace}")) {
            let rest = &text[at + matched.len()..];
            let rest = rest.strip_prefix(".svc.cluster.local").unwrap_or(rest);
            // A longer word, or a file's name.
            if rest.starts_with(|c: char| part(c) || c == '.' || c == '_') {
                continue;
            }
            let before = &text[..at];
            let start = before.rfind(|c: char| !part(c)).map_or(0, |last| last + 1);
            let service = before[start..].to_owned();
            let port = rest.strip_prefix(':').map_or("", |rest| {
                let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
                &rest[..end]
            });
            if !service.is_empty() {
                found.insert((service, (*namespace).to_owned(), port.parse().unwrap_or(80)));
            }
        }
    }
    found
}

#[test]
fn an_address_in_a_text_is_found() {
    let text = "url: http://loki-gateway.observability/loki, tempo.observability:4317, \
                a.observability.example.com, http://x.keda.svc.cluster.local:9090";
    let found: Vec<_> = addresses(text).into_iter().collect();
    let address = |service: &str, namespace: &str, port| (service.into(), namespace.into(), port);
    assert_eq!(
        found,
        [
            address("loki-gateway", "observability", 80),
            address("tempo", "observability", 4317),
            address("x", "keda", 9090)
        ]
    );
}

/// What the stack's own values name: Grafana's sources, Alloy's targets, the adapter's.
#[test]
#[ignore = "needs helm; cargo xtask test --only deploy"]
fn every_address_in_the_stacks_values_is_a_service_of_the_profile() {
    let mut looked_up = 0;
    for profile in ["autopilot", "standard", "gmp", "local", "promtail"] {
        let facts = facts(profile);
        for release in stack::releases() {
            if !release.profiles.iter().any(|name| name == profile) {
                continue;
            }
            let mut values = stack::parsed(&release.name, "values");
            if stack::values(&release.name).contains_key(profile) {
                lay_over(&mut values, stack::parsed(&release.name, profile));
            }
            let mut found = addresses(&values.to_string());
            // prometheus-adapter has the port beside the address.
            if let Some(port) = values.pointer("/prometheus/port").and_then(Value::as_u64) {
                found = found.into_iter().map(|(s, n, _)| (s, n, port)).collect();
            }
            for (service, namespace, port) in found {
                looked_up += 1;
                let name = format!("{namespace}/{service}");
                let there = facts.values().any(|facts| {
                    facts.services.get(&name).is_some_and(|ports| ports.contains(&port))
                });
                assert!(there, "{profile}: {} names {name}:{port}", release.name);
            }
        }
    }
    assert!(looked_up > 25, "{looked_up}");
}

fn lay_over(below: &mut Value, above: Value) {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            for (key, value) in above {
                lay_over(below.entry(key).or_insert(Value::Null), value);
            }
        }
        (below, above) => *below = above,
    }
}
