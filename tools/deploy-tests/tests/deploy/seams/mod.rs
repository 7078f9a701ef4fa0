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

mod addresses;
mod checks;
mod mutations;

/// One environment as it would be deployed.
#[derive(Clone)]
struct Deployed {
    name: String,
    /// Terraform's state.
    state: Value,
    profile: String,
    /// The chart, rendered with Terraform's values.
    objects: Vec<Value>,
    /// The stack's charts.
    facts: BTreeMap<String, Facts>,
    /// The stack's own values, by release.
    stack: BTreeMap<String, Value>,
    /// The values of `charts/cluster-access`.
    access: Value,
    /// Alertmanager's generated configuration.
    alertmanager: Value,
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

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect("text")
}

fn yaml(text: &str) -> Value {
    serde_yaml_ng::from_str(text).expect("YAML")
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
            let config = read("charts/demo-app/files/alertmanager/alertmanager.yaml");
            found.push(Deployed {
                name,
                objects,
                facts: facts(&profile),
                profile,
                stack: ["kube-prometheus-stack", "prometheus-adapter"]
                    .map(|release| (release.to_owned(), stack::parsed(release, "values")))
                    .into(),
                access: yaml(&read("charts/cluster-access/values.yaml")),
                alertmanager: yaml(&config.replace("RELEASE-NAMESPACE", namespace)),
                state,
            });
        }
    }
    assert!(found.len() >= 2, "{} environments", found.len());
    found
}

#[test]
#[ignore = "needs helm, terraform and terraform-provider-google; cargo xtask test --only deploy"]
fn what_an_environment_deploys_meets_its_other_end() {
    let deployed = deployed();
    let found: Vec<_> = deployed.iter().flat_map(checks::problems).collect();
    assert_eq!(found, Vec::<String>::new());
    mutations::are_found(&deployed[0]);
}
