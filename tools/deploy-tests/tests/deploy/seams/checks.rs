//! One check for each kind of seam. A check returns what does not meet its other end, by name.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::addresses::addresses;
use super::{Deployed, list, text};
use crate::contract::stack;

type Check = fn(&Deployed) -> Result<(), String>;

const CHECKS: &[Check] = &[
    addresses_resolve,
    traces_and_scaling_are_on,
    metrics_are_served,
    members_are_accounts,
    the_gate_finds_prometheus,
    rules_are_found,
    dashboards_are_found,
    alerts_have_receivers,
    secrets_are_written,
    stack_values_fit,
];

/// Returns the seams of an environment that are broken.
pub(super) fn problems(deployed: &Deployed) -> Vec<String> {
    let found = CHECKS.iter().filter_map(|check| check(deployed).err());
    found.map(|problem| format!("{}: {problem}", deployed.name)).collect()
}

macro_rules! ensure {
    ($condition:expr, $($problem:tt)+) => {
        if !$condition {
            return Err(format!($($problem)+));
        }
    };
}

fn addresses_resolve(deployed: &Deployed) -> Result<(), String> {
    let mut looked_up = 0;
    for object in deployed.objects.iter().filter(|object| object["kind"] != "ConfigMap") {
        for (service, namespace, port) in addresses(&object.to_string()) {
            looked_up += 1;
            ensure!(
                deployed.has(&namespace, &service, port),
                "{} names {service}.{namespace}:{port}, which the stack has not",
                object["kind"]
            );
        }
    }
    ensure!(looked_up > 0, "nothing of the stack is used");
    Ok(())
}

fn traces_and_scaling_are_on(deployed: &Deployed) -> Result<(), String> {
    let deployment = deployed.kind("Deployment").next().ok_or("there is no Deployment")?;
    let env = list(deployment, "/spec/template/spec/containers/0/env");
    let value = |name: &str| {
        let variable = env.iter().find(|variable| variable["name"] == name);
        variable.map(|variable| text(variable, "/value")).unwrap_or_default()
    };
    let exporter = value("OTEL_TRACES_EXPORTER");
    ensure!(exporter == "otlp", "OTEL_TRACES_EXPORTER is {exporter:?}");
    ensure!(!value("CLUSTER_NAME").is_empty(), "CLUSTER_NAME is empty");
    let scalers = deployed.kind("HorizontalPodAutoscaler").chain(deployed.kind("ScaledObject"));
    let count = scalers.count();
    ensure!(count == 1, "there are {count} autoscalers");
    Ok(())
}

/// Names that prometheus-adapter's rules give.
fn adapter_metrics(deployed: &Deployed) -> BTreeSet<String> {
    let values = &deployed.stack["prometheus-adapter"];
    let rules = list(values, "/rules/custom").iter().map(|rule| {
        let series = text(rule, "/seriesQuery").split('{').next().unwrap_or_default().to_owned();
        match text(rule, "/name/as") {
            "" => series,
            form => form.replace("${1}", series.trim_end_matches("_total")),
        }
    });
    rules.collect()
}

fn metrics_are_served(deployed: &Deployed) -> Result<(), String> {
    let serves =
        |group: &str| deployed.facts.values().any(|facts| facts.api_services.contains(group));
    for scaler in deployed.kind("HorizontalPodAutoscaler") {
        for metric in list(scaler, "/spec/metrics") {
            let name = text(metric, "/pods/metric/name");
            if metric["type"] == "Pods" {
                ensure!(
                    serves("custom.metrics.k8s.io"),
                    "nothing serves custom.metrics.k8s.io for {name}"
                );
                ensure!(
                    adapter_metrics(deployed).contains(name),
                    "no rule of prometheus-adapter gives {name}"
                );
            }
        }
    }
    ensure!(
        deployed.kind("ScaledObject").next().is_none() || serves("external.metrics.k8s.io"),
        "nothing serves external.metrics.k8s.io"
    );
    Ok(())
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

fn members_are_accounts(deployed: &Deployed) -> Result<(), String> {
    let mut granted = BTreeSet::new();
    members(&deployed.state, &mut granted);
    let accounts = deployed.accounts();
    for member in &granted {
        ensure!(accounts.contains(member), "{member} is granted something and is no account");
    }
    // And the other way: what logs in to Google is let in.
    let mut ours = 0;
    for account in deployed.kind("ServiceAccount") {
        if account.pointer("/metadata/annotations/iam.gke.io~1gcp-service-account").is_some() {
            ours += 1;
            let (namespace, name) =
                (text(account, "/metadata/namespace"), text(account, "/metadata/name"));
            ensure!(
                granted.contains(&format!("{namespace}/{name}")),
                "account {namespace}/{name} has no grant"
            );
        }
    }
    ensure!(ours == 2, "{ours} accounts log in to Google, not service and migration");
    Ok(())
}

fn the_gate_finds_prometheus(deployed: &Deployed) -> Result<(), String> {
    let prometheus = deployed.output("prometheus");
    let (namespace, service) = (text(prometheus, "/namespace"), text(prometheus, "/service"));
    ensure!(
        deployed.has(namespace, service, 9090),
        "output prometheus is {namespace}/{service}:9090, which the stack has not"
    );
    // And may forward a port to it.
    let access = &deployed.access["prometheus"];
    ensure!(
        access["namespace"] == namespace && access["service"] == service,
        "cluster-access lets the pipeline reach {access}, not {namespace}/{service}"
    );
    // The admin port is open to it.
    let scraped = format!("\"kubernetes.io/metadata.name\":\"{namespace}\"");
    ensure!(
        deployed.kind("NetworkPolicy").any(|policy| policy.to_string().contains(&scraped)),
        "no NetworkPolicy lets namespace {namespace} scrape"
    );
    Ok(())
}

fn rules_are_found(deployed: &Deployed) -> Result<(), String> {
    let spec = &deployed.stack["kube-prometheus-stack"]["prometheus"]["prometheusSpec"];
    for (kind, selector) in [
        ("ServiceMonitor", "serviceMonitorSelectorNilUsesHelmValues"),
        ("PrometheusRule", "ruleSelectorNilUsesHelmValues"),
    ] {
        ensure!(deployed.kind(kind).next().is_some(), "there is no {kind}");
        ensure!(spec[selector] == false, "{selector} selects no {kind} of ours");
    }
    Ok(())
}

fn dashboards_are_found(deployed: &Deployed) -> Result<(), String> {
    let grafana = &deployed.stack["kube-prometheus-stack"]["grafana"];
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
        ensure!(
            board["metadata"]["labels"][label] == value,
            "Grafana finds dashboards by {label}={value}, which {} has not",
            text(board, "/metadata/name")
        );
        for written in board["data"].as_object().into_iter().flat_map(serde_json::Map::values) {
            let board: Value = serde_json::from_str(written.as_str().unwrap_or_default())
                .map_err(|err| format!("a dashboard is no JSON: {err}"))?;
            let variables = list(&board, "/templating/list").iter();
            let variables: Vec<_> =
                variables.map(|v| format!("${{{}}}", text(v, "/name"))).collect();
            let mut used = BTreeSet::new();
            datasources(&board, &mut used);
            named.extend(used.into_iter().filter(|uid| !variables.contains(uid)));
        }
    }
    ensure!(dashboards > 0, "there is no dashboard");
    for uid in named {
        ensure!(sources.contains(&uid), "there is no datasource {uid}");
    }
    Ok(())
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

fn alerts_have_receivers(deployed: &Deployed) -> Result<(), String> {
    let namespace = deployed.output("namespace").as_str().unwrap_or_default();
    let receivers: BTreeSet<_> = list(&deployed.alertmanager, "/receivers")
        .iter()
        .map(|receiver| text(receiver, "/name"))
        .collect();
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
            let receiver = routed(&deployed.alertmanager["route"], &labels).unwrap_or("nobody");
            ensure!(
                receivers.contains(receiver),
                "{alert} goes to receiver {receiver}, which is none"
            );
            ensure!(receiver != "nobody", "{alert} goes to nobody: {labels:?}");
        }
    }
    ensure!(alerts > 5, "there are {alerts} alerts");
    Ok(())
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
fn secrets_are_written(deployed: &Deployed) -> Result<(), String> {
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
        ensure!(written.contains(&secret), "nothing writes Secret {secret}");
    }
    Ok(())
}

/// Buckets are written by the accounts that they are granted to.
fn stack_values_fit(deployed: &Deployed) -> Result<(), String> {
    let none = serde_json::Map::new();
    let values = deployed.output("stack_values").as_object().unwrap_or(&none);
    let releases: BTreeSet<_> = stack::releases().into_iter().map(|release| release.name).collect();
    for (release, text) in values {
        ensure!(releases.contains(release), "stack_values names release {release}, which is none");
        ensure!(
            deployed.facts.contains_key(release),
            "stack_values names {release}, which profile {} has not",
            deployed.profile
        );
        serde_json::from_str::<Value>(text.as_str().unwrap_or_default())
            .map_err(|err| format!("the values of {release} are no JSON: {err}"))?;
    }
    for (account, bucket) in deployed.output("buckets").as_object().unwrap_or(&none) {
        let account = format!("observability/{account}");
        let (release, _) = deployed
            .facts
            .iter()
            .find(|(_, facts)| facts.accounts.contains(&account))
            .ok_or_else(|| format!("a bucket is granted to {account}, which is no account"))?;
        let text = values.get(release).and_then(Value::as_str).unwrap_or_default();
        let bucket = bucket.as_str().unwrap_or_default();
        ensure!(text.contains(bucket), "bucket {bucket} is paid for and not used");
    }
    Ok(())
}
