//! `charts/gmp-frontend`: what the profile `gmp` has in place of Prometheus and its adapter.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::contract::facts::Facts;
use crate::contract::of_profile;
use crate::deploy::{objects, root, succeed};

fn frontend() -> Facts {
    let mut helm = Command::new("helm");
    helm.args(["template", "gmp-frontend", "--namespace", "observability"])
        .args(["--set", "project=demo-project"])
        .arg(root().join("charts/gmp-frontend"));
    Facts::read(&objects(&succeed(&mut helm)), "observability")
}

/// Names that the HPA asks for where the chart is rendered for `gmp`.
fn asked() -> BTreeSet<String> {
    let golden = root().join("charts/demo-app/golden/gmp.yaml");
    let golden = objects(&fs::read_to_string(golden).expect("text"));
    let scaler = golden.iter().find(|object| object["kind"] == "HorizontalPodAutoscaler");
    let metrics = scaler.expect("an HPA")["spec"]["metrics"].as_array().expect("a list").clone();
    let names = metrics.iter().filter_map(|metric| metric["pods"]["metric"]["name"].as_str());
    names.map(str::to_owned).collect()
}

/// The series that the demo's HPA may scale by, as the rules of prometheus-adapter name them.
fn series() -> BTreeSet<String> {
    let file = root().join("charts/observability/prometheus-adapter/values.yaml");
    let values = fs::read_to_string(file).expect("text");
    let values: Value = serde_yaml_ng::from_str(&values).expect("YAML");
    let rules = values["rules"]["custom"].as_array().expect("rules").clone();
    let queries = rules.iter().map(|rule| rule["seriesQuery"].as_str().expect("a query"));
    queries.map(|query| query.split('{').next().expect("a name").to_owned()).collect()
}

#[test]
#[ignore = "needs helm; cargo xtask test --only deploy"]
fn the_metrics_that_an_hpa_asks_for_are_served() {
    let facts = frontend();
    let served = &facts.api_services;
    assert_eq!(served, &BTreeSet::from(["custom.metrics.k8s.io".to_owned()]));
    // An API group has one server.
    for (release, other) in of_profile("gmp") {
        assert!(other.api_services.is_disjoint(served), "{release}: {:?}", other.api_services);
    }
    // Google names a metric by its series and its kind.
    let expected = series().into_iter().map(|series| {
        let kind = if series.ends_with("_total") { "counter" } else { "gauge" };
        format!("prometheus.googleapis.com|{series}|{kind}")
    });
    assert_eq!(asked(), expected.collect());
}

#[test]
#[ignore = "needs helm; cargo xtask test --only deploy"]
fn google_lets_its_pods_run_and_read() {
    let facts = frontend();
    assert_eq!(facts.without_requests, BTreeSet::new());
    assert_eq!(facts.may_be_root, BTreeSet::new());
    assert_eq!(facts.read_all_secrets, BTreeSet::new());
    let bound: Vec<_> = facts.managed_namespaces.iter().map(String::as_str).collect();
    let reader = "RoleBinding kube-system/metrics-adapter-auth-reader \
                  extension-apiserver-authentication-reader";
    assert_eq!(bound, [reader], "Autopilot allows no other object there");
    let ports = root().join("terraform/modules/network/variables.tf");
    let ports = fs::read_to_string(ports).expect("text");
    let (_, ports) = ports.split_once("variable \"control_plane_ports\"").expect("there is one");
    let (ports, _) = ports.split_once("]\n").expect("a default");
    for port in &facts.control_plane_ports {
        let open = [443, 10250].contains(port) || ports.contains(&format!("\"{port}\""));
        assert!(open, "the control plane does not reach {port}");
    }
    assert_eq!(facts.control_plane_ports.len(), 1, "the adapter's");
    let policy = root().join("charts/setup/network-policy.yaml");
    let policy = fs::read_to_string(policy).expect("text");
    assert!(policy.contains("6443"), "the API server calls the adapter");

    // Each account has its grant, and each grant its account.
    let platform = root().join("terraform/modules/platform/main.tf");
    let platform = fs::read_to_string(platform).expect("text");
    let readers = platform.lines().find(|line| line.contains("flavor == \"gmp\" ? {"));
    let readers = readers.expect("readers of metrics");
    let granted = readers.split(['{', ',']).filter_map(|part| part.split_once(" = [\"metrics\"]"));
    let granted: BTreeSet<_> =
        granted.map(|(name, _)| format!("observability/{}", name.trim())).collect();
    assert_eq!(facts.accounts, granted);
}
