//! The chart's ScaledObject by the depth of a queue, with the real KEDA: no pod when
//! there is nothing to do.

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::cluster::chart::deploy;
use crate::cluster::http::serve;
use crate::cluster::postgres::Postgres;
use crate::cluster::{Namespace, command, image, merged};
use crate::monitoring::Stack;
use crate::monitoring::api::ApiService;
use crate::monitoring::inbox::Inbox;
use serde_json::{Value, json};

#[test]
#[ignore = "needs cluster, bwrap, cargo-auditable, helm, go, postgres, initdb, prometheus-3, prometheus-alertmanager, prometheus-operator and keda; cargo xtask test --only cluster"]
fn a_queue_has_as_many_pods_as_it_is_deep_and_none_when_it_is_empty() {
    let depth = Arc::new(AtomicU64::new(0));
    let shown = depth.clone();
    let queue = serve(move |_, _| format!("queue_depth {}\n", shown.load(Ordering::Relaxed)));
    let stack = Stack::start(&Inbox::open());
    stack.add(&json!({
        "apiVersion": "monitoring.coreos.com/v1alpha1",
        "kind": "ScrapeConfig",
        "metadata": {"name": "queue"},
        "spec": {
            "staticConfigs": [{"targets": [queue.address().to_string()]}],
            "scrapeInterval": "2s", "scrapeTimeout": "2s",
        },
    }));
    let _keda = Keda::start();
    let namespace = Namespace::new("queue");
    let database = Postgres::start();
    let scaling = json!({
        "autoscaling": {
            "by": "keda-queue", "minReplicas": 0, "maxReplicas": 3,
            "queue": {
                "source": "prometheus", "pollingInterval": 2, "cooldownPeriod": 2,
                "prometheus": {"query": "max(queue_depth)", "threshold": "50"},
            },
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}},
        },
        "podDisruptionBudget": {"enabled": false},
    });
    deploy(&namespace, &merged(&database.values(&namespace), &scaling));
    let has = |pods: u64| {
        let status = &namespace.get("deployment/demo")["status"];
        let count = |field: &str| status[field].as_u64().unwrap_or(0);
        (count("replicas") == pods && count("readyReplicas") == pods).then_some(())
    };
    namespace.until("an empty queue has no pod", || has(0));
    depth.store(1, Ordering::Relaxed);
    namespace.until("one message has one", || has(1));
    depth.store(120, Ordering::Relaxed);
    namespace.until("120 have three, of fifty each", || has(3));
    depth.store(0, Ordering::Relaxed);
    namespace.until("and none when they are gone", || has(0));
}

/// KEDA, which goes with the value.
struct Keda {
    // Dropped first: while an API has no server, no namespace can be deleted.
    _api: ApiService,
    _namespace: Namespace,
}

impl Keda {
    /// As its own manifests have it, with images that are here and without the
    /// webhook, which only refuses mistakes.
    fn start() -> Self {
        for program in ["keda-operator", "keda-metrics-apiserver"] {
            image::program(program, &[]);
        }
        let namespace = Namespace::new("keda");
        let folder = crate::deploy::module(crate::deploy::KEDA).join("config/default");
        let folder = folder.to_str().expect("text");
        let built = crate::deploy::succeed(&mut kubectl(&["kustomize", folder]));
        let mut objects = crate::deploy::objects(&built);
        objects.retain(|object| {
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            !crate::deploy::kind(object).contains("Webhook")
                && !["keda-admission", "keda-admission-webhooks"].contains(&name)
        });
        for object in &mut objects {
            let name = object["metadata"]["name"].clone();
            let Some(container) = object.pointer_mut("/spec/template/spec/containers/0") else {
                continue;
            };
            let name = name.as_str().expect("a name");
            container["image"] = json!(format!("localhost/{name}:1"));
            container["imagePullPolicy"] = json!("Never");
            container["resources"] = json!({"requests": {"cpu": "10m", "memory": "64Mi"}});
            // The image starts its one program by itself.
            container.as_object_mut().expect("a map").remove("command");
        }
        let is_definition = |object: &Value| {
            ["CustomResourceDefinition", "Namespace"].contains(&crate::deploy::kind(object))
        };
        let (first, rest): (Vec<_>, Vec<_>) = objects.into_iter().partition(is_definition);
        for objects in [first, rest] {
            // Not all are in one namespace.
            let manifest: Vec<_> = objects.iter().map(ToString::to_string).collect();
            let file = tempfile::NamedTempFile::new().expect("a file");
            fs::write(&file, manifest.join("\n")).expect("written");
            let file = file.path().to_str().expect("text");
            crate::deploy::succeed(&mut kubectl(&["apply", "--server-side", "-f", file]));
            namespace.kubectl(&["wait", "--for=condition=Established", "crd", "--all"]);
        }
        let api = ApiService { group: "external.metrics.k8s.io", version: "v1beta1" };
        for name in ["keda-operator", "keda-metrics-apiserver"] {
            namespace.rolled_out(&format!("deployment/{name}"));
        }
        api.is_served(&namespace);
        Self { _api: api, _namespace: namespace }
    }
}

fn kubectl(args: &[&str]) -> Command {
    command("kubectl", args)
}
