//! prometheus-operator on the cluster, with a Prometheus and an Alertmanager that it
//! runs, and what reads them.

pub(crate) mod api;
pub(crate) mod inbox;

use std::fs;

use serde_json::{Value, json};

use crate::cluster::{Namespace, http, image};
use crate::deploy::{OPERATOR, chart, kind, module, objects, root};
use api::ApiService;
use inbox::Inbox;

/// As in `charts/observability/releases.lock`.
const NAMESPACE: &str = "observability";

/// Without which Alertmanager does not start.
const TEMPLATES: &[&str] = &[
    "/usr/share/prometheus/alertmanager/default.tmpl",
    "/usr/share/prometheus/alertmanager/email.tmpl",
];

/// The stack, which goes with the value.
pub(crate) struct Stack {
    // Dropped first: while an API has no server, no namespace can be deleted.
    adapter: Option<ApiService>,
    namespace: Namespace,
}

impl Stack {
    /// Starts it, with an Alertmanager that tells `inbox`.
    pub(crate) fn start(inbox: &Inbox) -> Self {
        for program in ["prometheus-3", "prometheus-config-reloader", "prometheus-operator"] {
            image::program(program, &[]);
        }
        image::program("prometheus-alertmanager", TEMPLATES);
        api::clear();
        let namespace = Namespace::new(NAMESPACE);
        let bundle = fs::read_to_string(module(OPERATOR).join("bundle.yaml")).expect("there");
        let mut bundle = objects(&bundle);
        let (definitions, rest): (Vec<_>, Vec<_>) = bundle
            .iter_mut()
            .map(operator)
            .partition(|object| kind(object) == "CustomResourceDefinition");
        for objects in [definitions, rest] {
            namespace.apply_all(&objects);
        }
        namespace.kubectl(&["wait", "--for=condition=Established", "crd", "--all"]);
        namespace.rolled_out("deployment/prometheus-operator");

        let file = chart().join("files/alertmanager/alertmanager.yaml");
        let config = inbox.reads(&fs::read_to_string(file).expect("generated"));
        let config = format!("--from-literal=alertmanager.yaml={config}");
        namespace.kubectl(&["create", "secret", "generic", "alertmanager", &config]);
        namespace.apply(include_str!("stack.yaml"));
        for name in ["prometheus-stack", "alertmanager-stack"] {
            namespace.until(&format!("{name} is ready"), || {
                let found = namespace.try_kubectl(&["get", "statefulset", name, "-o", "json"], "");
                let found: Value = serde_json::from_slice(&found.stdout).ok()?;
                (found["status"]["readyReplicas"] == 1).then_some(())
            });
        }
        Self { adapter: None, namespace }
    }

    /// Adds the adapter that the autoscaler asks, with the rules of
    /// `charts/observability`.
    pub(crate) fn add_adapter(&mut self) {
        image::program("prometheus-adapter", &[]);
        let values = root().join("charts/observability/prometheus-adapter/values.yaml");
        let values = &objects(&fs::read_to_string(values).expect("there"))[0];
        let config = json!({"rules": values["rules"]["custom"]});
        let config = format!("--from-literal=config.yaml={config}");
        self.namespace.kubectl(&["create", "configmap", "prometheus-adapter", &config]);
        self.namespace.apply(include_str!("adapter.yaml"));
        self.namespace.rolled_out("deployment/prometheus-adapter");
        let api = ApiService { group: "custom.metrics.k8s.io", version: "v1beta1" };
        self.adapter = Some(api.serve(&self.namespace, "prometheus-adapter"));
    }

    /// Adds objects beside it.
    pub(crate) fn add(&self, manifest: &Value) {
        self.namespace.apply(&manifest.to_string());
    }

    /// What a query gives: labels and values.
    pub(crate) fn query(&self, expr: &str) -> Vec<Value> {
        let found = self.ask(&format!("/api/v1/query?query={}", encoded(expr)));
        found["result"].as_array().expect("a vector").clone()
    }

    /// Every rule that it has taken.
    pub(crate) fn rules(&self) -> Vec<Value> {
        let found = self.ask("/api/v1/rules");
        let groups = found["groups"].as_array().expect("groups");
        let rules = groups.iter().flat_map(|group| group["rules"].as_array().expect("rules"));
        rules.cloned().collect()
    }

    fn ask(&self, path: &str) -> Value {
        let service = self.namespace.get("service/kube-prometheus-stack-prometheus");
        let address = service["spec"]["clusterIP"].as_str().expect("an address");
        let (status, body) = http::get(&format!("{address}:9090"), path);
        assert_eq!(status, 200, "{path}: {body}");
        let mut body: Value = serde_json::from_str(&body).expect("JSON");
        body["data"].take()
    }
}

/// Text for a query string.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |all, byte| format!("{all}%{byte:02X}"))
}

/// The operator's own manifest, with images that are here and in our namespace.
fn operator(object: &mut Value) -> Value {
    for place in ["/metadata/namespace", "/subjects/0/namespace"] {
        if let Some(namespace) = object.pointer_mut(place) {
            *namespace = json!(NAMESPACE);
        }
    }
    if let Some(container) = object.pointer_mut("/spec/template/spec/containers/0") {
        container["image"] = json!("localhost/prometheus-operator:1");
        container["args"] =
            json!(["--prometheus-config-reloader=localhost/prometheus-config-reloader:1"]);
    }
    object.take()
}
