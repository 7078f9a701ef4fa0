//! `charts/cluster-access`: the pipeline may deploy the demo, ask Prometheus, and no more.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use serde::Deserialize as _;
use serde_json::Value;

use crate::deploy::root;

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

/// What `setup_cluster.sh` applies lets in those who have to call the stack, and no other.
#[test]
fn the_stack_is_called_by_the_demo_keda_and_the_api_server_only() {
    let path = root().join("charts/setup/network-policy.yaml");
    let policy = objects(&fs::read_to_string(path).expect("text")).remove(0);
    assert_eq!(policy["metadata"]["namespace"], "observability");
    assert_eq!(policy["spec"]["podSelector"], serde_json::json!({}), "it is for all pods");
    assert_eq!(policy["spec"]["policyTypes"], serde_json::json!(["Ingress"]));
    let mut found = BTreeMap::new();
    for rule in policy["spec"]["ingress"].as_array().expect("rules") {
        let ports = rule["ports"].as_array().into_iter().flatten();
        let ports: BTreeSet<_> = ports.filter_map(|port| port["port"].as_u64()).collect();
        let from = rule["from"].as_array().map(Vec::as_slice).unwrap_or_default();
        let from = match from {
            [] => "anywhere",
            [peer] if peer["podSelector"] == serde_json::json!({}) => "the stack",
            [peer] => peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
                .as_str()
                .expect("a namespace by name"),
            more => panic!("{more:?}"),
        };
        found.insert(from.to_owned(), ports);
    }
    let ports = |ports: &[u64]| ports.iter().copied().collect::<BTreeSet<_>>();
    // What anyone may call knows the API server by its certificate.
    assert_eq!(found.remove("anywhere"), Some(ports(&[6443, 10250])));
    assert_eq!(found.remove("the stack"), Some(ports(&[])), "every port");
    assert_eq!(found.remove("kube-system"), Some(ports(&[])), "the API server's proxy");
    assert_eq!(found.remove("keda"), Some(ports(&[9090])));
    assert_eq!(found.remove("RELEASE-NAMESPACE"), Some(ports(&[4317, 4318])));
    assert_eq!(found, BTreeMap::new());
    // The ports are those of the Services.
    let facts = crate::contract::of_profile("autopilot");
    for (release, service, port) in [
        ("alloy", "observability/alloy", 4317),
        ("alloy", "observability/alloy", 4318),
        ("kube-prometheus-stack", "observability/kube-prometheus-stack-prometheus", 9090),
    ] {
        assert!(facts[release].services[service].contains(&port), "{service}:{port}");
    }
}

/// The load balancer's backend is the interceptor: it is asked where it answers, and lets
/// the route in.
#[test]
#[ignore = "needs helm; cargo xtask test --only deploy"]
fn the_load_balancer_is_told_how_to_ask_the_interceptor() {
    let args = ["template", "access", "--namespace", "demo", "--set", "interceptor.enabled=true"];
    let (rendered, said) = helm(&args, "charts/cluster-access");
    assert!(rendered, "{said}");
    let policies = objects(&said);
    let values = root().join("charts/demo-app/ci/keda-http-values.yaml").display().to_string();
    let args = ["template", "demo", "--namespace", "demo", "--values", &values];
    let (rendered, said) = helm(&args, "charts/demo-app");
    assert!(rendered, "{said}");
    let demo = objects(&said);
    let route = demo.iter().find(|object| object["kind"] == "HTTPRoute").expect("a route");
    let backend = &route["spec"]["rules"][0]["backendRefs"][0];
    let facts = crate::contract::of_profile("autopilot");
    let facts = &facts["keda-add-ons-http"];
    let service = format!(
        "{}/{}",
        backend["namespace"].as_str().expect("one"),
        backend["name"].as_str().expect("one")
    );
    let port = backend["port"].as_u64().expect("a port");
    assert!(facts.services[&service].contains(&port), "{service}:{port}");
    for kind in ["HealthCheckPolicy", "GCPBackendPolicy"] {
        assert!(
            demo.iter().all(|object| object["kind"] != kind),
            "{kind} of a Service that is no backend"
        );
        let policy = policies.iter().find(|object| object["kind"] == kind).expect("a policy");
        assert_eq!(policy["metadata"]["namespace"], backend["namespace"]);
        assert_eq!(policy["spec"]["targetRef"]["name"], backend["name"]);
    }
    let check = policies.iter().find(|object| object["kind"] == "HealthCheckPolicy").expect("one");
    let check = &check["spec"]["default"]["config"]["httpHealthCheck"];
    assert_eq!(check["requestPath"], "/readyz");
    let admin = check["port"].as_u64().expect("a port");
    assert!(facts.services["keda/keda-add-ons-http-interceptor-admin"].contains(&admin));
    let firewall = fs::read_to_string(root().join("terraform/modules/network/variables.tf"));
    assert!(firewall.expect("text").contains(&format!("\"{admin}\"")), "the firewall is closed");
    let grant = policies.iter().find(|object| object["kind"] == "ReferenceGrant").expect("one");
    assert_eq!(grant["metadata"]["namespace"], backend["namespace"]);
    assert_eq!(grant["spec"]["to"][0]["name"], backend["name"]);
    assert_eq!(grant["spec"]["from"][0]["namespace"], "demo");
}
