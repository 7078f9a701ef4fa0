//! `charts/observability/contracts.yaml`: facts of the stack's charts, and what must hold of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize as _;
use serde_json::Value;

use crate::contract::facts::Facts;
use crate::contract::stack::{digest, nulls, parsed, releases, stack};
use crate::contract::{Contract, Render, of_profile, path, read, root};

const HEAD: &str = "\
# Facts of other projects' charts, rendered with the values in this folder. A test compares\n\
# them with our charts, with Terraform and with the scripts. Written by:\n\
#   cargo xtask charts pull\n\
#   cargo test -p deploy-tests --test rust contracts -- --ignored\n\
# Do not edit.\n";

/// The charts: archives as `cargo xtask charts pull` leaves them, or `$CHARTS/RELEASE`.
fn charts() -> PathBuf {
    std::env::var_os("CHARTS").map_or_else(|| root().join("target/charts"), PathBuf::from)
}

fn chart(release: &str) -> PathBuf {
    let dir = charts().join(release);
    if dir.join("Chart.yaml").is_file() {
        return dir;
    }
    let entries = fs::read_dir(&dir).unwrap_or_else(|error| {
        panic!("{}: {error}; cargo xtask charts pull gets the charts", dir.display())
    });
    entries
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.extension().is_some_and(|ending| ending == "tgz"))
        .unwrap_or_else(|| panic!("{} has no archive", dir.display()))
}

fn helm(args: &[&str], chart: &Path, more: &[String]) -> String {
    let mut helm = Command::new("helm");
    let output = helm.args(args).arg(chart).args(more).output().expect("helm runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", chart.display());
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The kind of a value, as the contract names it.
fn kind(value: Option<&Value>) -> &'static str {
    match value {
        None => "absent",
        Some(Value::Object(_)) => "map",
        Some(Value::Array(_)) => "list",
        Some(Value::Null) => "null",
        Some(_) => "scalar",
    }
}

#[test]
#[ignore = "writes charts/observability/contracts.yaml from the charts; see its first lines"]
fn contracts_are_written_from_the_charts() {
    let mut contracts = BTreeMap::new();
    for release in releases() {
        let chart = chart(&release.name);
        let shown = helm(&["show", "chart"], &chart, &[]);
        let shown: Value = serde_yaml_ng::from_str(&shown).expect("YAML");
        let version = shown["version"].as_str().expect("a version").trim_start_matches('v');
        assert_eq!(version, release.version, "{} is of another version", release.name);
        let theirs = helm(&["show", "values"], &chart, &[]);
        let theirs: Value = serde_yaml_ng::from_str(&theirs).expect("YAML");
        let nulls = nulls(&release.name).into_iter().map(|path| {
            let found = path.split('.').try_fold(&theirs, |value, key| value.get(key));
            (path, kind(found).to_owned())
        });
        let mut renders: Vec<Render> = Vec::new();
        for profile in &release.profiles {
            let mut more = vec!["--namespace".to_owned(), release.namespace.clone()];
            more.extend(["--kube-version".to_owned(), "1.36.0".to_owned()]);
            for file in ["values", profile] {
                let path = stack().join(format!("{}/{file}.yaml", release.name));
                if path.is_file() {
                    more.extend(["--values".to_owned(), path.display().to_string()]);
                }
            }
            let manifest = helm(&["template", &release.name], &chart, &more);
            let objects: Vec<Value> = serde_yaml_ng::Deserializer::from_str(&manifest)
                .map(|document| Value::deserialize(document).expect("YAML"))
                .filter(|value| !value.is_null())
                .collect();
            let facts = Facts::read(&objects, &release.namespace);
            match renders.iter_mut().find(|render| render.facts == facts) {
                Some(render) => render.profiles.push(profile.clone()),
                None => renders.push(Render { profiles: vec![profile.clone()], facts }),
            }
        }
        let nulls = nulls.collect();
        let values = digest(&release.name);
        contracts
            .insert(release.name, Contract { version: release.version, values, nulls, renders });
    }
    let mut text = HEAD.to_owned();
    write!(text, "{}", serde_yaml_ng::to_string(&contracts).expect("YAML")).expect("text");
    fs::write(path(), text).expect("written");
}

#[test]
fn contracts_are_of_the_pinned_versions_and_of_these_values() {
    let contracts = read();
    let pinned = releases();
    assert_eq!(contracts.len(), pinned.len());
    for release in pinned {
        let contract = &contracts[&release.name];
        let same = contract.version == release.version && contract.values == digest(&release.name);
        assert!(
            same,
            "{}: contracts.yaml is stale; its first lines say how it is written",
            release.name
        );
        let mut profiles: Vec<_> =
            contract.renders.iter().flat_map(|render| render.profiles.clone()).collect();
        profiles.sort();
        let mut wanted = release.profiles;
        wanted.sort();
        assert_eq!(profiles, wanted, "{}", release.name);
    }
}

/// Helm deletes what is set to null, with all that the chart's templates read below it.
#[test]
fn no_null_takes_the_place_of_a_map() {
    for (release, contract) in read() {
        for path in nulls(&release) {
            let theirs = contract.nulls.get(&path).map(String::as_str);
            assert!(
                matches!(theirs, Some("scalar" | "null" | "absent")),
                "{release} sets {path} to null, and the chart has a {} there",
                theirs.unwrap_or("value that was not looked at")
            );
        }
    }
}

/// The API server refuses such a pod.
#[test]
fn no_pod_has_a_volume_or_a_path_twice() {
    for (release, contract) in read() {
        for render in contract.renders {
            let twice = &render.facts.volumes_twice;
            assert!(twice.is_empty(), "{release} {:?}: {twice:?}", render.profiles);
        }
    }
    let pod = serde_json::json!({"kind": "Deployment", "metadata": {"name": "a"},
        "spec": {"template": {"spec": {
            "containers": [{"name": "c"}],
            "volumes": [{"name": "v"}, {"name": "v"}]}}}});
    assert_eq!(Facts::read(&[pod], "n").volumes_twice.len(), 1);
}

/// Memory that Go holds as ballast counts against the limit and delays collection.
#[test]
fn tempo_collects_garbage_below_its_limit() {
    let contract = &read()["tempo"];
    for render in &contract.renders {
        let arguments = &render.facts.memory_arguments;
        assert!(arguments.iter().all(|argument| argument.ends_with("ballast-size-mbs=0")));
    }
    let mib = |text: &str| -> f64 {
        let (number, scale) = match text.trim_end_matches('B') {
            text if text.ends_with("Gi") => (text.trim_end_matches("Gi"), 1024.0),
            text => (text.trim_end_matches("Mi"), 1.0),
        };
        number.parse::<f64>().expect("a number") * scale
    };
    for file in ["values", "local"] {
        let tempo = &parsed("tempo", file)["tempo"];
        let limit = mib(tempo["resources"]["limits"]["memory"].as_str().expect("a limit"));
        assert_eq!(tempo["extraEnv"][0]["name"], "GOMEMLIMIT", "{file}");
        let soft = mib(tempo["extraEnv"][0]["value"].as_str().expect("text"));
        assert!(soft < 0.9 * limit && soft > 0.8 * limit, "{file}: {soft} of {limit} MiB");
    }
}

/// Google documents this one for Autopilot; the README of the stack says where.
const ALLOWED: &str = " extension-apiserver-authentication-reader";

#[test]
fn autopilot_gets_nothing_else_in_a_managed_namespace() {
    let mut bound = 0;
    for profile in ["autopilot", "gmp"] {
        for (release, facts) in of_profile(profile) {
            for object in facts.managed_namespaces {
                let allowed = object.starts_with("RoleBinding ") && object.ends_with(ALLOWED);
                assert!(allowed, "{release} {profile}: {object}");
                bound += 1;
            }
        }
    }
    assert!(bound > 0, "the exception is not needed any more");
}

/// Who reads every Secret of the cluster, and why that cannot be less.
const READS_SECRETS: &[(&str, &str)] = &[
    ("cert-manager", "it keeps the certificates of all namespaces in Secrets"),
    ("keda", "a TriggerAuthentication of any namespace may name a Secret"),
    ("kube-prometheus-stack", "the operator writes configurations, kube-state-metrics counts"),
];

#[test]
fn few_read_every_secret() {
    for (release, contract) in read() {
        let allowed = READS_SECRETS.iter().any(|(name, _)| *name == release);
        for render in contract.renders {
            let roles = &render.facts.read_all_secrets;
            assert!(allowed || roles.is_empty(), "{release} {:?}: {roles:?}", render.profiles);
            assert!(!roles.iter().any(|role| role.contains("grafana")), "{roles:?}");
        }
    }
}

/// Autopilot gives a container without requests half a CPU and 2 GiB, and bills them.
#[test]
fn every_container_on_autopilot_says_what_it_needs() {
    for profile in ["autopilot", "gmp"] {
        for (release, facts) in of_profile(profile) {
            assert!(facts.without_requests.is_empty(), "{release}: {:?}", facts.without_requests);
        }
    }
}

#[test]
fn nothing_runs_as_root_but_by_the_image_of_one_add_on() {
    for (release, facts) in of_profile("autopilot") {
        // Its images name their user; the chart leaves it to them.
        let allowed = release == "keda-add-ons-http";
        assert!(allowed || facts.may_be_root.is_empty(), "{release}: {:?}", facts.may_be_root);
    }
}

/// GKE opens 443 and 10250; the network module opens the others.
#[test]
fn the_control_plane_reaches_every_webhook_and_adapter() {
    let text = fs::read_to_string(root().join("terraform/modules/network/variables.tf"));
    let text = text.expect("text");
    let (_, ports) = text.split_once("variable \"control_plane_ports\"").expect("there is one");
    let (_, ports) = ports.split_once("default     = [").expect("a default");
    let (ports, _) = ports.split_once(']').expect("a list");
    let mut open = vec![443, 10250];
    open.extend(ports.split(", ").map(|port| port.trim_matches('"').parse::<u64>().expect("one")));
    for profile in ["autopilot", "standard", "gmp"] {
        for (release, facts) in of_profile(profile) {
            for port in facts.control_plane_ports {
                assert!(open.contains(&port), "{release} {profile}: {port} is closed");
            }
        }
    }
}

/// The routes of setup/alerts.sh are for these.
#[test]
fn the_stacks_alerts_have_the_severities_that_are_routed() {
    let facts = of_profile("autopilot").remove("kube-prometheus-stack").expect("there is one");
    let names = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    assert_eq!(facts.alert_severities, names(&["critical", "info", "none", "warning"]));
    assert_eq!(facts.alerts_of_none, names(&["InfoInhibitor", "Watchdog"]));
}

/// The settings of receivers that name a file, and the first version of Alertmanager that has each,
/// as its changelog says.
const BY_FILE: &[(&str, u64)] = &[
    ("api_key_file", 24),
    ("api_url_file", 22),
    ("auth_password_file", 25),
    ("routing_key_file", 25),
    ("url_file", 26),
];

/// Alertmanager refuses a configuration with a setting that it does not know.
#[test]
fn the_stacks_alertmanager_knows_the_settings_of_the_receivers() {
    let mut needed = 0;
    let folder = fs::read_dir(root().join("charts/setup/receivers")).expect("receivers");
    for entry in folder {
        let path = entry.expect("an entry").path();
        let text = fs::read_to_string(&path).expect("text");
        let setting = text
            .lines()
            .filter_map(|line| line.trim_start_matches([' ', '-']).split_once(':'))
            .map(|(setting, _)| setting)
            .find(|setting| setting.ends_with("_file"))
            .unwrap_or_else(|| panic!("{} names no file", path.display()));
        let since = BY_FILE.iter().find(|(known, _)| *known == setting);
        let (_, since) =
            since.unwrap_or_else(|| panic!("{setting}: since which version of Alertmanager?"));
        needed = needed.max(*since);
    }
    for profile in ["autopilot", "standard", "local", "promtail"] {
        let facts = of_profile(profile);
        let version = facts.values().find_map(|facts| facts.alertmanager.as_deref());
        let version = version.unwrap_or_else(|| panic!("{profile} has no Alertmanager"));
        let minor = version.strip_prefix("v0.").and_then(|rest| rest.split('.').next());
        let minor: u64 = minor.and_then(|minor| minor.parse().ok()).expect("a version");
        assert!(minor >= needed, "{profile}: {version}, but the receivers need v0.{needed}");
    }
}
