//! `charts/cluster-access`: the pipeline may deploy the demo, ask Prometheus, and no more.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use serde::Deserialize as _;
use serde_json::Value;

#[allow(dead_code, reason = "each test file uses its part")]
mod stand_in;

use stand_in::root;

const USER: &str = "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/github/subject/42-dev";

fn objects(text: &str) -> Vec<Value> {
    let documents = serde_yaml_ng::Deserializer::from_str(text);
    let objects = documents.map(|document| Value::deserialize(document).expect("YAML"));
    objects.filter(|value| !value.is_null()).collect()
}

fn helm(args: &[&str], chart: &str) -> (bool, String) {
    let output = Command::new("helm").args(args).arg(root().join(chart)).output();
    let output = output.expect("helm runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

fn access() -> Vec<Value> {
    let user = format!("deployers={{{USER}}}");
    let args = ["template", "cluster-access", "--namespace", "demo", "--set", &user];
    let (rendered, said) = helm(&args, "charts/cluster-access");
    assert!(rendered, "{said}");
    objects(&said)
}

fn words<'a>(value: &'a Value, key: &str) -> Vec<&'a str> {
    value[key].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Group and resource to verbs, of the Role in one namespace.
fn rights(namespace: &str) -> BTreeMap<(String, String), BTreeSet<String>> {
    let mut rights: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for role in access() {
        if role["kind"] != "Role" || role["metadata"]["namespace"] != namespace {
            continue;
        }
        for rule in role["rules"].as_array().expect("rules") {
            for group in words(rule, "apiGroups") {
                for resource in words(rule, "resources") {
                    let verbs = words(rule, "verbs").into_iter().map(str::to_owned);
                    rights
                        .entry((group.to_owned(), resource.to_owned()))
                        .or_default()
                        .extend(verbs);
                }
            }
        }
    }
    rights
}

fn plural(kind: &str) -> String {
    let kind = kind.to_lowercase();
    match kind.strip_suffix('y').filter(|stem| !stem.ends_with('a')) {
        Some(stem) => format!("{stem}ies"),
        None if kind.ends_with('s') && kind != "rules" => format!("{kind}es"),
        None if kind == "rules" => kind,
        None => format!("{kind}s"),
    }
}

#[test]
#[ignore = "needs helm; cargo xtask test --only deploy"]
fn the_pipeline_may_write_every_kind_that_the_demo_renders() {
    let rights = rights("demo");
    let profiles = fs::read_dir(root().join("charts/demo-app/ci")).expect("profiles");
    let mut seen = BTreeSet::new();
    for profile in profiles {
        let values = profile.expect("an entry").path().display().to_string();
        let args = ["template", "demo", "--namespace", "demo", "--values", &values];
        let (rendered, said) = helm(&args, "charts/demo-app");
        assert!(rendered, "{said}");
        for object in objects(&said) {
            let version = object["apiVersion"].as_str().expect("a version");
            let group = version.split_once('/').map_or("", |(group, _)| group);
            let resource = plural(object["kind"].as_str().expect("a kind"));
            let verbs = rights.get(&(group.to_owned(), resource.clone()));
            let verbs = verbs.unwrap_or_else(|| panic!("no right to {group}/{resource}"));
            for verb in ["get", "list", "watch", "create", "patch", "delete"] {
                assert!(verbs.contains(verb), "{verb} {group}/{resource}");
            }
            seen.insert((group.to_owned(), resource));
        }
    }
    assert!(seen.len() >= 18, "{seen:?}");
    // What Helm and the workflow's steps use beside it.
    for (group, resource, verb) in [
        ("", "secrets", "create"),
        ("", "pods", "watch"),
        ("", "pods/log", "get"),
        ("apps", "replicasets", "list"),
        ("apps", "deployments", "patch"),
    ] {
        assert!(rights[&(group.to_owned(), resource.to_owned())].contains(verb), "{resource}");
    }
}

#[test]
#[ignore = "needs helm; cargo xtask test --only deploy"]
fn the_pipeline_may_do_nothing_beyond() {
    let objects = access();
    for object in &objects {
        assert!(["Role", "RoleBinding"].contains(&object["kind"].as_str().expect("a kind")));
        for subject in object["subjects"].as_array().into_iter().flatten() {
            assert_eq!((&subject["kind"], &subject["name"]), (&"User".into(), &USER.into()));
        }
        for rule in object["rules"].as_array().into_iter().flatten() {
            for key in ["apiGroups", "resources", "verbs"] {
                let words = words(rule, key);
                assert!(!words.contains(&"*"), "{rule}");
                for refused in
                    ["rbac.authorization.k8s.io", "pods/exec", "bind", "escalate", "impersonate"]
                {
                    assert!(!words.contains(&refused), "{rule}");
                }
            }
        }
    }
    let prometheus = rights("observability");
    let prometheus: Vec<_> = prometheus.keys().map(|(_, resource)| resource.as_str()).collect();
    assert_eq!(prometheus, ["pods", "pods/portforward", "services"]);
}

#[test]
#[ignore = "needs helm; cargo xtask test --only deploy"]
fn rights_are_given_to_somebody_and_not_to_the_systems_groups() {
    for user in ["deployers=null", "deployers={system:masters}", "deployer={a}"] {
        let (rendered, said) =
            helm(&["template", "cluster-access", "--set", user], "charts/cluster-access");
        assert!(!rendered, "{user}: {said}");
    }
}
