//! Seams that are broken on purpose, on one side each: the checks have to name every one.

use serde_json::{Value, json};

use super::Deployed;
use super::checks::problems;

struct Mutation {
    /// What the checks have to say.
    named: &'static str,
    breaks: fn(&mut Deployed),
}

const MUTATIONS: &[Mutation] = &[
    // A name, a port, and a namespace.
    Mutation {
        named: "names alloy.observability:4317",
        breaks: |deployed| rename(deployed, "observability/alloy", "observability/collector"),
    },
    Mutation {
        named: "names alloy.observability:4317",
        breaks: |deployed| {
            for facts in deployed.facts.values_mut() {
                if let Some(ports) = facts.services.get_mut("observability/alloy") {
                    ports.remove(&4317);
                }
            }
        },
    },
    Mutation {
        named: "output prometheus is observability/kube-prometheus-stack-prometheus:9090",
        breaks: |deployed| {
            let service = "observability/kube-prometheus-stack-prometheus";
            rename(deployed, service, "observability/prometheus");
        },
    },
    Mutation {
        named: "output prometheus is monitoring/",
        breaks: |deployed| {
            deployed.state["outputs"]["prometheus"]["value"]["namespace"] = json!("monitoring");
        },
    },
    Mutation {
        named: "no NetworkPolicy lets namespace observability scrape",
        breaks: |deployed| replace(deployed, "NetworkPolicy", "\"observability\"", "\"other\""),
    },
    // Rights.
    Mutation {
        named: "cluster-access lets the pipeline reach",
        breaks: |deployed| deployed.access["prometheus"]["service"] = json!("prometheus"),
    },
    Mutation {
        named: "account demo/demo-app has no grant",
        breaks: |deployed| {
            replace_state(deployed, "/subject/ns/demo/sa/demo-app\"", "/subject/ns/none\"");
        },
    },
    Mutation {
        named: "demo/demo-app-migrator is granted something and is no account",
        breaks: |deployed| {
            deployed.objects.retain(|object| {
                object["kind"] != "ServiceAccount"
                    || object["metadata"]["name"] != "demo-app-migrator"
            });
        },
    },
    // Traces and scaling.
    Mutation {
        named: "OTEL_TRACES_EXPORTER is \"none\"",
        breaks: |deployed| replace(deployed, "Deployment", "\"otlp\"", "\"none\""),
    },
    Mutation {
        named: "there are 0 autoscalers",
        breaks: |deployed| remove(deployed, "HorizontalPodAutoscaler"),
    },
    Mutation {
        named: "nothing serves custom.metrics.k8s.io",
        breaks: |deployed| {
            scale_by(deployed, "sre_kit_http_server_requests_started_per_second");
            for facts in deployed.facts.values_mut() {
                facts.api_services.remove("custom.metrics.k8s.io");
            }
        },
    },
    Mutation {
        named: "no rule of prometheus-adapter gives http_requests_per_minute",
        breaks: |deployed| scale_by(deployed, "http_requests_per_minute"),
    },
    // Rules and dashboards.
    Mutation {
        named: "there is no ServiceMonitor",
        breaks: |deployed| remove(deployed, "ServiceMonitor"),
    },
    Mutation {
        named: "ruleSelectorNilUsesHelmValues selects no PrometheusRule of ours",
        breaks: |deployed| {
            let spec = stack(deployed, "/prometheus/prometheusSpec");
            spec["ruleSelectorNilUsesHelmValues"] = json!(true);
        },
    },
    Mutation {
        named: "Grafana finds dashboards by board=",
        breaks: |deployed| {
            stack(deployed, "/grafana/sidecar/dashboards")["label"] = json!("board");
        },
    },
    Mutation {
        named: "there is no datasource loki",
        breaks: |deployed| {
            for source in
                stack(deployed, "/grafana/additionalDataSources").as_array_mut().expect("a list")
            {
                if source["uid"] == "loki" {
                    source["uid"] = json!("logs");
                }
            }
        },
    },
    Mutation {
        named: "there is no datasource prometheus",
        breaks: |deployed| {
            stack(deployed, "/grafana/sidecar/datasources")["uid"] = json!("metrics");
        },
    },
    // Alerts.
    Mutation {
        named: "goes to receiver slo-page, which is none",
        breaks: |deployed| {
            let receivers = deployed.alertmanager["receivers"].as_array_mut().expect("a list");
            receivers.retain(|receiver| receiver["name"] != "slo-page");
        },
    },
    Mutation {
        named: "SLOErrorBudgetBurn goes to nobody",
        breaks: |deployed| deployed.alertmanager["route"]["routes"] = json!([]),
    },
    // Secrets and buckets.
    Mutation {
        named: "nothing writes Secret admin-token",
        breaks: |deployed| {
            let deployment = deployed.objects.iter_mut().find(|o| o["kind"] == "Deployment");
            let spec = &mut deployment.expect("a Deployment")["spec"]["template"]["spec"];
            spec["containers"][0]["env"].as_array_mut().expect("a list").push(json!({
                "name": "TOKEN",
                "valueFrom": { "secretKeyRef": { "name": "admin-token", "key": "token" } },
            }));
        },
    },
    Mutation {
        named: "stack_values names release grafana-agent, which is none",
        breaks: |deployed| {
            deployed.state["outputs"]["stack_values"]["value"]["grafana-agent"] = json!("{}");
        },
    },
    Mutation {
        named: "bucket demo-logs is paid for and not used",
        breaks: |deployed| {
            deployed.state["outputs"]["buckets"]["value"]["loki"] = json!("demo-logs");
        },
    },
    Mutation {
        named: "a bucket is granted to observability/mimir, which is no account",
        breaks: |deployed| {
            deployed.state["outputs"]["buckets"]["value"]["mimir"] = json!("demo-metrics");
        },
    },
];

/// Breaks each seam of an environment that has none broken, and asserts that it is named.
pub(super) fn are_found(whole: &Deployed) {
    for mutation in MUTATIONS {
        let mut broken = whole.clone();
        (mutation.breaks)(&mut broken);
        let found = problems(&broken);
        assert!(
            found.iter().any(|problem| problem.contains(mutation.named)),
            "{}: the checks say {found:?}",
            mutation.named
        );
    }
}

/// Renames a Service of the stack.
fn rename(deployed: &mut Deployed, from: &str, to: &str) {
    for facts in deployed.facts.values_mut() {
        if let Some(ports) = facts.services.remove(from) {
            facts.services.insert(to.to_owned(), ports);
        }
    }
}

/// Replaces a text in every object of a kind.
fn replace(deployed: &mut Deployed, kind: &str, from: &str, to: &str) {
    for object in deployed.objects.iter_mut().filter(|object| object["kind"] == kind) {
        *object = serde_json::from_str(&object.to_string().replace(from, to)).expect("JSON");
    }
}

fn replace_state(deployed: &mut Deployed, from: &str, to: &str) {
    deployed.state =
        serde_json::from_str(&deployed.state.to_string().replace(from, to)).expect("JSON");
}

fn remove(deployed: &mut Deployed, kind: &str) {
    deployed.objects.retain(|object| object["kind"] != kind);
}

/// Lets the autoscaler read a metric of pods.
fn scale_by(deployed: &mut Deployed, metric: &str) {
    let scaler = deployed.objects.iter_mut().find(|o| o["kind"] == "HorizontalPodAutoscaler");
    scaler.expect("an autoscaler")["spec"]["metrics"].as_array_mut().expect("a list").push(json!({
        "type": "Pods",
        "pods": { "metric": { "name": metric } },
    }));
}

/// A part of the values of kube-prometheus-stack.
fn stack<'a>(deployed: &'a mut Deployed, pointer: &str) -> &'a mut Value {
    let values = deployed.stack.get_mut("kube-prometheus-stack").expect("its values");
    values.pointer_mut(pointer).expect("a part of the values")
}
