//! Rules about objects of any kind.

use serde_json::Value;

use super::{Findings, list, text};

/// Namespaces that Google manages and others may not write to.
const MANAGED: &[&str] = &["kube-system", "kube-node-lease", "gke-system", "gke-managed-system"];

/// The users and groups of clients that are not authenticated.
const ANYBODY: &[&str] = &["system:anonymous", "system:unauthenticated"];

pub(super) fn check(object: &Value, findings: &mut Findings<'_>) {
    let kind = text(object, "/kind");
    let namespace = text(object, "/metadata/namespace");
    if MANAGED.contains(&namespace) && !reads_front_proxy_authority(object) {
        findings.refuse(format!(
            "it is in {namespace}, which Google manages; turn it off in the chart's values, or \
             move it to a namespace of yours"
        ));
    }
    match kind {
        "Service" => service(object, findings),
        "PersistentVolume" => volume(object, findings),
        "RoleBinding" | "ClusterRoleBinding" => binding(object, findings),
        "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration" => {
            webhooks(object, findings);
        }
        _ => {}
    }
}

/// Whether it lets the server of an aggregated API read the certificate authority of the API
/// server's requests. Kubernetes keeps that Role in kube-system and nowhere else, and the
/// manifest of Google's own adapter for custom metrics has such a binding:
/// <https://github.com/GoogleCloudPlatform/k8s-stackdriver/tree/master/custom-metrics-stackdriver-adapter>
fn reads_front_proxy_authority(object: &Value) -> bool {
    text(object, "/kind") == "RoleBinding"
        && text(object, "/metadata/namespace") == "kube-system"
        && text(object, "/roleRef/kind") == "Role"
        && text(object, "/roleRef/name") == "extension-apiserver-authentication-reader"
}

fn service(object: &Value, findings: &mut Findings<'_>) {
    if !list(object, "/spec/externalIPs").is_empty() {
        findings
            .refuse("it has externalIPs, which let it take others' traffic; use a load balancer");
    }
}

fn volume(object: &Value, findings: &mut Findings<'_>) {
    for source in ["hostPath", "local"] {
        if object.pointer(&format!("/spec/{source}")).is_some() {
            findings.refuse(format!(
                "it is on a node's disk ({source}), and nodes are not yours; claim a volume of a \
                 StorageClass"
            ));
        }
    }
}

fn binding(object: &Value, findings: &mut Findings<'_>) {
    for subject in list(object, "/subjects") {
        let name = text(subject, "/name");
        if ANYBODY.contains(&name) {
            findings.refuse(format!("it grants rights to {name}; name a group or an account"));
        }
    }
}

/// Webhooks that see pods or nodes of Google's namespaces are narrowed.
fn webhooks(object: &Value, findings: &mut Findings<'_>) {
    for webhook in list(object, "/webhooks") {
        let excludes = webhook
            .pointer("/namespaceSelector")
            .is_some_and(|selector| selector.as_object().is_some_and(|fields| !fields.is_empty()));
        let sees = |resource: &str| {
            list(webhook, "/rules").iter().any(|rule| {
                list(rule, "/resources").iter().any(|r| r == resource || r == "*" || r == "*/*")
            })
        };
        if !excludes && (sees("pods") || sees("nodes")) {
            findings.change(format!(
                "webhook {} sees pods or nodes of every namespace, and Autopilot takes its own \
                 out; set a namespaceSelector",
                text(webhook, "/name")
            ));
        }
    }
}
