//! The seams: what Terraform hands over, what the chart makes of it, and what the stack of
//! the environment's profile has at the other end.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::contract::facts::Facts;
use crate::contract::{of_profile, root, stack};
use crate::deploy::{chart, objects, succeed};
use crate::terraform::engine::Engine;
use crate::terraform::{Tree, environments};

/// Namespaces of the stack, where a name is looked up.
const STACK: &[&str] = &["observability", "keda", "cert-manager", "external-dns"];

/// One environment as it would be deployed.
struct Deployed {
    name: String,
    state: Value,
    profile: String,
    objects: Vec<Value>,
    facts: BTreeMap<String, Facts>,
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

impl Deployed {
    fn output(&self, name: &str) -> &Value {
        &self.state["outputs"][name]["value"]
    }

    fn kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.objects.iter().filter(move |object| object["kind"] == kind)
    }

    /// Whether the stack has this Service with this port.
    fn has(&self, namespace: &str, service: &str, port: u64) -> bool {
        let name = format!("{namespace}/{service}");
        self.facts
            .values()
            .any(|facts| facts.services.get(&name).is_some_and(|ports| ports.contains(&port)))
    }

    fn accounts(&self) -> BTreeSet<String> {
        let ours = self.kind("ServiceAccount").map(|account| {
            format!("{}/{}", text(account, "/metadata/namespace"), text(account, "/metadata/name"))
        });
        self.facts.values().flat_map(|facts| facts.accounts.clone()).chain(ours).collect()
    }
}

/// The facts of a profile, with those of our own chart that it has.
fn facts(profile: &str) -> BTreeMap<String, Facts> {
    let mut facts = of_profile(profile);
    if profile == "gmp" {
        let rendered = succeed(
            Command::new("helm")
                .args(["template", "gmp-frontend", "--namespace", "observability"])
                .args(["--set", "project=demo-project"])
                .arg(root().join("charts/gmp-frontend")),
        );
        let rendered = Facts::read(&objects(&rendered), "observability");
        facts.insert("gmp-frontend".to_owned(), rendered);
    }
    facts
}

/// Renders the chart as deploy.yml does, with an environment's values.
fn rendered(tree: &Tree, environment: &str, values: &Value, namespace: &str) -> Vec<Value> {
    let file = tree.path("values.json");
    fs::write(&file, values.to_string()).expect("written");
    let mut helm = Command::new("helm");
    helm.args(["template", "demo-app", "--namespace", namespace, "--kube-version", "1.36.0"]);
    helm.arg("--values").arg(&file);
    let more = chart().join(format!("environments/{environment}.yaml"));
    if more.is_file() {
        helm.arg("--values").arg(more);
    }
    let digest = format!("image.digest=sha256:{}", "0".repeat(64));
    objects(&succeed(helm.args(["--set-string", &digest]).arg(chart())))
}

fn deployed() -> Vec<Deployed> {
    let engine = Engine::terraform();
    let tree = Tree::new();
    let mut found = Vec::new();
    for folder in environments() {
        let dir = tree.path(&folder);
        let tested = engine.init(&dir).and_then(|()| engine.test_with_states(&dir));
        let tested = tested.unwrap_or_else(|why| panic!("{folder}: {why}"));
        for (_, state) in tested.states {
            let output = |name: &str| state["outputs"][name]["value"].clone();
            if output("helm_values").is_null() {
                continue;
            }
            let name = folder.rsplit('/').next().expect("a name").to_owned();
            let profile = output("profile").as_str().expect("a profile").to_owned();
            let namespace = output("namespace");
            let namespace = namespace.as_str().expect("a namespace");
            let objects = rendered(&tree, &name, &output("helm_values"), namespace);
            found.push(Deployed { name, objects, facts: facts(&profile), profile, state });
        }
    }
    assert!(found.len() >= 2, "{} environments", found.len());
    found
}

/// Every `service.namespace`, `:port` after it or 80, of the stack's namespaces in a text.
fn addresses(text: &str) -> BTreeSet<(String, String, u64)> {
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

#[test]
#[ignore = "needs helm, terraform and terraform-provider-google; cargo xtask test --only deploy"]
fn what_an_environment_deploys_meets_its_other_end() {
    for deployed in deployed() {
        addresses_resolve(&deployed);
        traces_and_scaling_are_on(&deployed);
        metrics_are_served(&deployed);
        members_are_accounts(&deployed);
        the_gate_finds_prometheus(&deployed);
        rules_and_dashboards_are_found(&deployed);
        alerts_have_receivers(&deployed);
        secrets_are_written(&deployed);
        stack_values_fit(&deployed);
    }
}

fn addresses_resolve(deployed: &Deployed) {
    let mut looked_up = 0;
    for object in deployed.objects.iter().filter(|object| object["kind"] != "ConfigMap") {
        for (service, namespace, port) in addresses(&object.to_string()) {
            looked_up += 1;
            assert!(
                deployed.has(&namespace, &service, port),
                "{}: {} names {service}.{namespace}:{port}",
                deployed.name,
                object["kind"]
            );
        }
    }
    assert!(looked_up > 0, "{}: nothing of the stack is used", deployed.name);
}

fn traces_and_scaling_are_on(deployed: &Deployed) {
    let deployment = deployed.kind("Deployment").next().expect("a Deployment");
    let env = list(deployment, "/spec/template/spec/containers/0/env");
    let value = |name: &str| {
        let variable = env.iter().find(|variable| variable["name"] == name);
        variable.map(|variable| text(variable, "/value")).unwrap_or_default()
    };
    assert_eq!(value("OTEL_TRACES_EXPORTER"), "otlp", "{}", deployed.name);
    assert!(!value("CLUSTER_NAME").is_empty(), "{}", deployed.name);
    let scaler = deployed.kind("HorizontalPodAutoscaler").chain(deployed.kind("ScaledObject"));
    assert_eq!(scaler.count(), 1, "{}", deployed.name);
}

/// Names that prometheus-adapter's rules give.
fn adapter_metrics() -> BTreeSet<String> {
    let values = stack::parsed("prometheus-adapter", "values");
    let rules = list(&values, "/rules/custom").iter().map(|rule| {
        let series = text(rule, "/seriesQuery").split('{').next().unwrap_or_default().to_owned();
        match text(rule, "/name/as") {
            "" => series,
            form => form.replace("${1}", series.trim_end_matches("_total")),
        }
    });
    rules.collect()
}

fn metrics_are_served(deployed: &Deployed) {
    let serves =
        |group: &str| deployed.facts.values().any(|facts| facts.api_services.contains(group));
    for scaler in deployed.kind("HorizontalPodAutoscaler") {
        for metric in list(scaler, "/spec/metrics") {
            let name = text(metric, "/pods/metric/name");
            if metric["type"] == "Pods" {
                assert!(serves("custom.metrics.k8s.io"), "{}: {name}", deployed.name);
                assert!(adapter_metrics().contains(name), "{}: {name}", deployed.name);
            }
        }
    }
    if deployed.kind("ScaledObject").next().is_some() {
        assert!(serves("external.metrics.k8s.io"), "{}", deployed.name);
    }
}

/// Every `ns/NAMESPACE/sa/NAME` that is granted something, in any string of the state.
fn members(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            if let Some((_, subject)) = text.split_once("/subject/ns/")
                && let Some((namespace, account)) = subject.split_once("/sa/")
            {
                found.insert(format!("{namespace}/{account}"));
            }
        }
        Value::Array(items) => items.iter().for_each(|item| members(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| members(field, found)),
        _ => {}
    }
}

fn members_are_accounts(deployed: &Deployed) {
    let mut granted = BTreeSet::new();
    members(&deployed.state, &mut granted);
    let accounts = deployed.accounts();
    for member in &granted {
        assert!(accounts.contains(member), "{}: {member} is no account", deployed.name);
    }
    // And the other way: what logs in to Google is let in.
    let mut ours = 0;
    for account in deployed.kind("ServiceAccount") {
        if account.pointer("/metadata/annotations/iam.gke.io~1gcp-service-account").is_some() {
            ours += 1;
            let name = format!(
                "{}/{}",
                text(account, "/metadata/namespace"),
                text(account, "/metadata/name")
            );
            assert!(granted.contains(&name), "{}: {name} has no grant", deployed.name);
        }
    }
    assert_eq!(ours, 2, "{}: the service and the migration", deployed.name);
}

fn the_gate_finds_prometheus(deployed: &Deployed) {
    let prometheus = deployed.output("prometheus");
    let (namespace, service) = (text(prometheus, "/namespace"), text(prometheus, "/service"));
    assert!(deployed.has(namespace, service, 9090), "{}: {prometheus}", deployed.name);
    // And may forward a port to it.
    let access = fs::read_to_string(root().join("charts/cluster-access/values.yaml"));
    let access: Value = serde_yaml_ng::from_str(&access.expect("text")).expect("YAML");
    assert_eq!(access["prometheus"]["namespace"], namespace, "{}", deployed.name);
    assert_eq!(access["prometheus"]["service"], service, "{}", deployed.name);
    // The admin port is open to it.
    let policies: Vec<_> = deployed.kind("NetworkPolicy").map(Value::to_string).collect();
    let scraped = format!("\"kubernetes.io/metadata.name\":\"{namespace}\"");
    assert!(policies.iter().any(|policy| policy.contains(&scraped)), "{}", deployed.name);
}

fn rules_and_dashboards_are_found(deployed: &Deployed) {
    let prometheus = stack::parsed("kube-prometheus-stack", "values");
    let spec = &prometheus["prometheus"]["prometheusSpec"];
    for (kind, selector) in [
        ("ServiceMonitor", "serviceMonitorSelectorNilUsesHelmValues"),
        ("PrometheusRule", "ruleSelectorNilUsesHelmValues"),
    ] {
        assert!(deployed.kind(kind).next().is_some(), "{}: no {kind}", deployed.name);
        assert_eq!(spec[selector], false, "{kind} is found by labels that ours have not");
    }
    let grafana = &prometheus["grafana"];
    let sidecar = &grafana["sidecar"]["dashboards"];
    let (label, value) = (text(sidecar, "/label"), text(sidecar, "/labelValue"));
    let mut sources: BTreeSet<_> = list(grafana, "/additionalDataSources")
        .iter()
        .map(|source| text(source, "/uid").to_owned())
        .collect();
    sources.insert(text(grafana, "/sidecar/datasources/uid").to_owned());
    // What sources name of each other.
    let mut named = BTreeSet::new();
    uids(&grafana["additionalDataSources"], "datasourceUid", &mut named);
    uids(&grafana["sidecar"]["datasources"], "datasourceUid", &mut named);
    let mut dashboards = 0;
    for board in deployed.kind("ConfigMap") {
        dashboards += 1;
        assert_eq!(board["metadata"]["labels"][label], value, "{}", deployed.name);
        for written in board["data"].as_object().into_iter().flat_map(serde_json::Map::values) {
            let board: Value = serde_json::from_str(written.as_str().expect("text")).expect("JSON");
            let variables = list(&board, "/templating/list").iter();
            let variables: Vec<_> =
                variables.map(|v| format!("${{{}}}", text(v, "/name"))).collect();
            let mut used = BTreeSet::new();
            datasources(&board, &mut used);
            named.extend(used.into_iter().filter(|uid| !variables.contains(uid)));
        }
    }
    assert!(dashboards > 0, "{}: no dashboard", deployed.name);
    for uid in named {
        assert!(sources.contains(&uid), "{}: there is no source {uid}", deployed.name);
    }
}

fn uids(value: &Value, key: &str, found: &mut BTreeSet<String>) {
    if let Some(uid) = value.get(key).and_then(Value::as_str) {
        found.insert(uid.to_owned());
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| uids(item, key, found)),
        Value::Object(fields) => fields.values().for_each(|field| uids(field, key, found)),
        _ => {}
    }
}

/// The uid of every `datasource` of a dashboard.
fn datasources(value: &Value, found: &mut BTreeSet<String>) {
    if let Some(uid) = value.pointer("/datasource/uid").and_then(Value::as_str) {
        found.insert(uid.to_owned());
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| datasources(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| datasources(field, found)),
        _ => {}
    }
}

fn alerts_have_receivers(deployed: &Deployed) {
    let path = chart().join("files/alertmanager/alertmanager.yaml");
    let namespace = deployed.output("namespace").as_str().expect("text");
    let config = fs::read_to_string(path).expect("text").replace("RELEASE-NAMESPACE", namespace);
    let config: Value = serde_yaml_ng::from_str(&config).expect("YAML");
    let receivers: BTreeSet<_> =
        list(&config, "/receivers").iter().map(|receiver| text(receiver, "/name")).collect();
    let mut alerts = 0;
    for rules in deployed.kind("PrometheusRule") {
        for rule in list(rules, "/spec/groups").iter().flat_map(|group| list(group, "/rules")) {
            let Some(alert) = rule["alert"].as_str() else { continue };
            alerts += 1;
            let mut labels: BTreeMap<&str, &str> = rule["labels"]
                .as_object()
                .into_iter()
                .flatten()
                .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
                .collect();
            labels.insert("alertname", alert);
            labels.entry("namespace").or_insert(namespace);
            let receiver = routed(&config["route"], &labels).expect("the root takes all");
            assert!(receivers.contains(receiver), "{alert} goes to {receiver}, which is none");
            assert_ne!(receiver, "nobody", "{}: {alert} {labels:?}", deployed.name);
        }
    }
    assert!(alerts > 5, "{}: {alerts} alerts", deployed.name);
}

/// The receiver of the deepest route that matches, as Alertmanager finds it.
fn routed<'a>(route: &'a Value, labels: &BTreeMap<&str, &str>) -> Option<&'a str> {
    let matches = |matcher: &Value| {
        let matcher = matcher.as_str().expect("text");
        let (name, value) = matcher.split_once(['=', '~']).expect("a matcher");
        let value = value.trim_start_matches('~').trim_matches('"');
        let label = labels.get(name).copied().unwrap_or_default();
        if matcher.contains("=~") { value.split('|').any(|v| v == label) } else { value == label }
    };
    if !list(route, "/matchers").iter().all(matches) {
        return None;
    }
    let child = list(route, "/routes").iter().find_map(|child| routed(child, labels));
    child.or_else(|| route["receiver"].as_str())
}

/// A Secret that a pod names is in the release.
fn secrets_are_written(deployed: &Deployed) {
    let written: BTreeSet<_> =
        deployed.kind("Secret").map(|secret| text(secret, "/metadata/name").to_owned()).collect();
    let mut named = BTreeSet::new();
    for object in &deployed.objects {
        uids(&object["spec"], "secretName", &mut named);
        for container in list(object, "/spec/template/spec/containers") {
            for variable in list(container, "/env") {
                let secret = text(variable, "/valueFrom/secretKeyRef/name");
                if !secret.is_empty() {
                    named.insert(secret.to_owned());
                }
            }
        }
    }
    for secret in named {
        assert!(written.contains(&secret), "{}: nothing writes {secret}", deployed.name);
    }
}

/// Buckets are written by the accounts that they are granted to.
fn stack_values_fit(deployed: &Deployed) {
    let values = deployed.output("stack_values").as_object().expect("a map").clone();
    let releases: BTreeSet<_> = stack::releases().into_iter().map(|release| release.name).collect();
    for (release, text) in &values {
        assert!(releases.contains(release), "{}: no release {release}", deployed.name);
        let facts = deployed.facts.get(release);
        assert!(facts.is_some(), "{release} is not of {}", deployed.profile);
        serde_json::from_str::<Value>(text.as_str().expect("text")).expect("JSON");
    }
    for (account, bucket) in deployed.output("buckets").as_object().expect("a map") {
        let account = format!("observability/{account}");
        let (release, _) = deployed
            .facts
            .iter()
            .find(|(_, facts)| facts.accounts.contains(&account))
            .unwrap_or_else(|| panic!("{}: {account} is no account", deployed.name));
        let text = values.get(release).and_then(Value::as_str).unwrap_or_default();
        let bucket = bucket.as_str().expect("text");
        assert!(text.contains(bucket), "{}: {bucket} is paid for and not used", deployed.name);
    }
}
