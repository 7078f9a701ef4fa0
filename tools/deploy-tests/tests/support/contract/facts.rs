//! What a rendered chart offers to others, and what it asks of the cluster.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

type Set = BTreeSet<String>;

/// Namespaces that GKE manages on Autopilot.
const MANAGED: &[&str] = &["kube-system", "kube-node-lease", "gke-system", "gke-managed-system"];

/// The facts of one render. An object is named `NAMESPACE/NAME`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(crate) struct Facts {
    /// Services and their ports.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) services: BTreeMap<String, BTreeSet<u64>>,
    /// Accounts of pods.
    #[serde(skip_serializing_if = "Set::is_empty")]
    pub(crate) accounts: Set,
    /// Secrets that the chart writes.
    #[serde(skip_serializing_if = "Set::is_empty")]
    pub(crate) secrets: Set,
    /// API groups that the chart serves through the API server.
    #[serde(skip_serializing_if = "Set::is_empty")]
    pub(crate) api_services: Set,
    /// Ports of pods that the control plane calls.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) control_plane_ports: BTreeSet<u64>,
    /// Objects in namespaces that GKE manages.
    #[serde(skip_serializing_if = "Set::is_empty")]
    pub(crate) managed_namespaces: Set,
    /// ClusterRoles that read every Secret.
    #[serde(skip_serializing_if = "Set::is_empty")]
    pub(crate) read_all_secrets: Set,
    /// Containers without requests of CPU and memory.
    #[serde(skip_serializing_if = "Set::is_empty")]
    pub(crate) without_requests: Set,
    /// Containers that may run as root.
    #[serde(skip_serializing_if = "Set::is_empty")]
    pub(crate) may_be_root: Set,
    /// Pods that mount a path or name a volume twice.
    #[serde(skip_serializing_if = "Set::is_empty")]
    pub(crate) volumes_twice: Set,
    /// Claims of volumes, with their size.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) claims: BTreeMap<String, String>,
    /// Severities of the alerts that the chart installs; those without one by name.
    #[serde(skip_serializing_if = "Set::is_empty")]
    pub(crate) alert_severities: Set,
    /// Alerts of severity `none`.
    #[serde(skip_serializing_if = "Set::is_empty")]
    pub(crate) alerts_of_none: Set,
    /// Command-line arguments that name a size of memory in MB.
    #[serde(skip_serializing_if = "Set::is_empty")]
    pub(crate) memory_arguments: Set,
    /// Version of the Alertmanager that the chart installs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) alertmanager: Option<String>,
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

impl Facts {
    /// Reads the objects that a chart rendered into `namespace`.
    pub(crate) fn read(objects: &[Value], namespace: &str) -> Self {
        let mut facts = Self::default();
        let mut called = Vec::new();
        for object in objects {
            let place = match text(object, "/metadata/namespace") {
                "" => namespace,
                own => own,
            };
            let kind = text(object, "/kind");
            let name = format!("{place}/{}", text(object, "/metadata/name"));
            if MANAGED.contains(&place) {
                facts
                    .managed_namespaces
                    .insert(format!("{kind} {name} {}", text(object, "/roleRef/name")));
            }
            match kind {
                "Service" => {
                    let ports = list(object, "/spec/ports").iter();
                    let ports = ports.filter_map(|port| port["port"].as_u64()).collect();
                    facts.services.insert(name.clone(), ports);
                }
                "ServiceAccount" => {
                    facts.accounts.insert(name.clone());
                }
                "Secret" => {
                    facts.secrets.insert(name.clone());
                }
                "APIService" => {
                    facts.api_services.insert(text(object, "/spec/group").to_owned());
                    called.push(service(&object["spec"]["service"]));
                }
                "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration" => {
                    for webhook in list(object, "/webhooks") {
                        called.push(service(&webhook["clientConfig"]["service"]));
                    }
                }
                "ClusterRole" if reads_secrets(object) => {
                    facts.read_all_secrets.insert(text(object, "/metadata/name").to_owned());
                }
                "PrometheusRule" => facts.read_alerts(object),
                "Alertmanager" => {
                    facts.alertmanager = Some(text(object, "/spec/version").to_owned());
                }
                _ => {}
            }
            facts.read_pod(object, kind, &name);
        }
        for (service, port) in called {
            facts.control_plane_ports.extend(target_port(objects, namespace, &service, port));
        }
        facts
    }

    fn read_alerts(&mut self, object: &Value) {
        for group in list(object, "/spec/groups") {
            for rule in list(group, "/rules").iter().filter(|rule| rule.get("alert").is_some()) {
                let severity = text(rule, "/labels/severity");
                self.alert_severities.insert(severity.to_owned());
                if severity == "none" {
                    self.alerts_of_none.insert(text(rule, "/alert").to_owned());
                }
            }
        }
    }

    fn read_pod(&mut self, object: &Value, kind: &str, name: &str) {
        let pointer = if kind == "Pod" { "/spec" } else { "/spec/template/spec" };
        let Some(pod) = object.pointer(pointer).filter(|pod| pod.get("containers").is_some())
        else {
            return;
        };
        let mut volumes = list(pod, "/volumes")
            .iter()
            .chain(list(object, "/spec/volumeClaimTemplates"))
            .map(|volume| text(volume, "/metadata/name").to_owned() + text(volume, "/name"))
            .collect::<Vec<_>>();
        if repeated(&mut volumes) {
            self.volumes_twice.insert(format!("{kind} {name}"));
        }
        for claim in list(object, "/spec/volumeClaimTemplates") {
            let size = text(claim, "/spec/resources/requests/storage").to_owned();
            self.claims.insert(format!("{name} {}", text(claim, "/metadata/name")), size);
        }
        for part in ["/initContainers", "/containers"] {
            for container in list(pod, part) {
                self.read_container(pod, container, &format!("{kind} {name}"));
            }
        }
    }

    fn read_container(&mut self, pod: &Value, container: &Value, of: &str) {
        let name = format!("{of} {}", text(container, "/name"));
        for resource in ["cpu", "memory"] {
            if container.pointer(&format!("/resources/requests/{resource}")).is_none() {
                self.without_requests.insert(name.clone());
            }
        }
        let either = |field: &str| {
            let own = container.pointer(&format!("/securityContext/{field}"));
            own.or_else(|| pod.pointer(&format!("/securityContext/{field}"))).cloned()
        };
        let user = either("runAsUser").and_then(|user| user.as_u64());
        if either("runAsNonRoot") != Some(Value::Bool(true)) && user.is_none_or(|user| user == 0) {
            self.may_be_root.insert(name.clone());
        }
        let mut paths: Vec<_> = list(container, "/volumeMounts")
            .iter()
            .map(|mount| text(mount, "/mountPath").to_owned())
            .collect();
        if repeated(&mut paths) {
            self.volumes_twice.insert(of.to_owned());
        }
        for argument in list(container, "/args").iter().filter_map(Value::as_str) {
            if argument.contains("ballast") {
                self.memory_arguments.insert(format!("{name} {argument}"));
            }
        }
    }
}

fn repeated(names: &mut [String]) -> bool {
    names.sort();
    names.windows(2).any(|pair| pair[0] == pair[1])
}

fn service(reference: &Value) -> (String, u64) {
    (text(reference, "/name").to_owned(), reference["port"].as_u64().unwrap_or(443))
}

fn reads_secrets(role: &Value) -> bool {
    list(role, "/rules").iter().any(|rule| {
        let has = |field: &str, words: &[&str]| {
            list(rule, field).iter().filter_map(Value::as_str).any(|word| words.contains(&word))
        };
        has("/resources", &["secrets", "*"])
            && has("/verbs", &["get", "list", "watch", "*"])
            && list(rule, "/resourceNames").is_empty()
            && has("/apiGroups", &["", "*"])
    })
}

/// The port of the pods behind a port of a Service.
fn target_port(objects: &[Value], namespace: &str, name: &str, port: u64) -> Option<u64> {
    let service = objects
        .iter()
        .find(|object| object["kind"] == "Service" && text(object, "/metadata/name") == name)?;
    let found = list(service, "/spec/ports").iter().find(|p| p["port"].as_u64() == Some(port))?;
    let target = found.get("targetPort").unwrap_or(&found["port"]);
    if let Some(number) = target.as_u64() {
        return Some(number);
    }
    let of = |field: &Value| field.as_str().map(str::to_owned);
    let (name, selector) = (of(target)?, service.pointer("/spec/selector")?.as_object()?);
    objects
        .iter()
        .filter(|object| {
            let own = text(object, "/metadata/namespace");
            let labels = object.pointer("/spec/template/metadata/labels");
            (own.is_empty() || own == namespace)
                && labels.is_some_and(|l| selector.iter().all(|(k, v)| l.get(k) == Some(v)))
        })
        .flat_map(|object| list(object, "/spec/template/spec/containers"))
        .flat_map(|container| list(container, "/ports"))
        .find(|port| text(port, "/name") == name)
        .and_then(|port| port["containerPort"].as_u64())
}
