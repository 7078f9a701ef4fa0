//! What `charts/observability` pins, and that its values say what they should.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

fn stack() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../charts/observability")
}

struct Release {
    name: String,
    version: String,
    profiles: Vec<String>,
}

fn releases() -> Vec<Release> {
    let text = fs::read_to_string(stack().join("releases.lock")).expect("the lock");
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let releases = lines.map(|line| {
        let fields: Vec<_> = line.split(' ').map(str::to_owned).collect();
        let [name, _, version, _, _, profiles] = fields.try_into().expect("six fields");
        let profiles = profiles.split(',').map(str::to_owned).collect();
        Release { name, version, profiles }
    });
    releases.collect()
}

fn values(release: &str, file: &str) -> Value {
    let path = stack().join(release).join(format!("{file}.yaml"));
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_yaml_ng::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Value files of a release, without their ending.
fn files(release: &str) -> Vec<String> {
    let entries = fs::read_dir(stack().join(release)).expect("a folder for each release");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string());
    let names = names.map(|name| name.expect("text"));
    names.filter_map(|name| name.strip_suffix(".yaml").map(str::to_owned)).collect()
}

#[test]
fn each_release_has_its_values_and_each_folder_its_release() {
    let mut known = BTreeSet::new();
    for release in releases() {
        for file in files(&release.name) {
            assert!(
                file == "values" || release.profiles.contains(&file),
                "{}/{file}.yaml is of no profile that has the release",
                release.name
            );
            let values = values(&release.name, &file);
            assert!(values.is_object(), "{}/{file}.yaml sets nothing", release.name);
        }
        assert!(known.insert(release.name.clone()), "{} is there twice", release.name);
    }
    for entry in fs::read_dir(stack()).expect("the folder") {
        let entry = entry.expect("an entry");
        let name = entry.file_name().into_string().expect("text");
        assert!(!entry.path().is_dir() || known.contains(&name), "{name} is of no release");
    }
}

#[test]
fn every_key_is_one_that_the_chart_documents_at_its_version() {
    for release in releases() {
        let path = stack().join(&release.name).join("keys");
        let text = fs::read_to_string(&path).expect("what was verified");
        let mut lines = text.lines();
        let verified = lines.next().expect("a first line");
        let (of, version) = verified.trim_start_matches("# ").split_once(' ').expect("two words");
        assert_eq!((of, version), (&*release.name, &*release.version), "verify the keys again");
        let documented: BTreeSet<_> = lines.collect();
        for file in files(&release.name) {
            let mut used = Vec::new();
            keys(&values(&release.name, &file), "", &documented, &mut used);
            for key in used {
                assert!(
                    documented.contains(key.as_str()),
                    "{}/{file}.yaml has {key}, which nobody found in {of} {version}; \
                     cargo xtask charts pull --write looks",
                    release.name
                );
            }
        }
    }
}

/// Every key, down to maps that the chart hands on as they are (`name.*`).
fn keys(value: &Value, at: &str, documented: &BTreeSet<&str>, into: &mut Vec<String>) {
    for (key, value) in value.as_object().into_iter().flatten() {
        let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
        if documented.contains(format!("{at}.*").as_str()) {
            return;
        }
        keys(value, &path, documented, into);
        into.push(path);
    }
}

#[test]
fn autopilot_has_nothing_in_kube_system_and_nothing_on_the_nodes() {
    let prometheus = values("kube-prometheus-stack", "autopilot");
    for part in [
        "kubeControllerManager",
        "kubeScheduler",
        "kubeEtcd",
        "kubeProxy",
        "coreDns",
        "kubeDns",
        "kubelet",
        "nodeExporter",
    ] {
        assert_eq!(prometheus[part]["enabled"], false, "{part}");
    }
    assert_eq!(prometheus["prometheusOperator"]["kubeletService"]["enabled"], false);
    let alloy = values("alloy", "values");
    assert_eq!(alloy["alloy"]["mounts"]["varlog"], false);
    let lease = &values("cert-manager", "autopilot")["global"]["leaderElection"]["namespace"];
    assert_ne!(lease, "kube-system");
    assert!(lease.is_string());
}

#[test]
fn promtail_is_for_those_who_must_and_then_alone() {
    for release in releases() {
        if release.name == "promtail" {
            assert_eq!(release.profiles, ["promtail"]);
        }
    }
    let config = |file| values("alloy", file)["alloy"]["configMap"]["content"].to_string();
    assert!(config("values").contains("loki.source.kubernetes"));
    assert!(!config("promtail").contains("loki."), "each line would be there twice");
}

#[test]
fn both_grafanas_go_from_metric_to_trace_to_log_and_back() {
    let operator = values("kube-prometheus-stack", "values");
    let sidecar = &operator["grafana"]["sidecar"]["datasources"];
    assert_eq!(sidecar["uid"], "prometheus");
    assert_eq!(sidecar["exemplarTraceIdDestinations"]["datasourceUid"], "tempo");
    assert_eq!(sidecar["exemplarTraceIdDestinations"]["traceIdLabelName"], "trace_id");
    assert!(
        operator["prometheus"]["prometheusSpec"]["enableFeatures"]
            .to_string()
            .contains("exemplar-storage")
    );
    let google = values("grafana", "values");
    let google = &google["datasources"]["datasources.yaml"]["datasources"];
    let operator = &operator["grafana"]["additionalDataSources"];
    for sources in [operator, google] {
        let source = |uid: &str| {
            let mut all = sources.as_array().expect("a list").iter();
            all.find(|source| source["uid"] == uid).unwrap_or_else(|| panic!("no {uid}")).clone()
        };
        let derived = &source("loki")["jsonData"]["derivedFields"][0];
        assert_eq!(derived["datasourceUid"], "tempo");
        assert_eq!(derived["matcherRegex"], r#""trace_id":"([0-9a-f]{32})""#);
        let tempo = source("tempo");
        assert_eq!(tempo["jsonData"]["tracesToLogsV2"]["datasourceUid"], "loki");
        assert_eq!(tempo["jsonData"]["tracesToMetrics"]["datasourceUid"], "prometheus");
    }
    let prometheus = &google[0]["jsonData"]["exemplarTraceIdDestinations"][0];
    assert_eq!(prometheus["datasourceUid"], "tempo");
}

#[test]
fn the_adapter_gives_the_metrics_that_the_demos_hpa_asks_for() {
    let rules = values("prometheus-adapter", "values")["rules"]["custom"].clone();
    let rules = rules.as_array().expect("rules").clone();
    let template =
        fs::read_to_string(stack().join("../demo-app/templates/hpa.yaml")).expect("text");
    for (rule, asked) in rules
        .iter()
        .zip(["http_server_active_requests", "sre_kit_http_server_requests_started_per_second"])
    {
        assert!(template.contains(&format!("\"{asked}\"")), "{asked}");
        let series = rule["seriesQuery"].as_str().expect("a query").split('{').next();
        let series = series.expect("a name");
        let gives = match rule["name"]["as"].as_str() {
            Some(form) => form.replace("${1}", series.trim_end_matches("_total")),
            None => series.to_owned(),
        };
        assert_eq!(gives, asked);
    }
}

/// Grafana shows a service graph and a node graph by metrics that Tempo has to make.
#[test]
fn grafana_shows_no_graph_that_tempo_makes_no_metrics_for() {
    let tempo = values("tempo", "values");
    let generates = tempo["tempo"]["metricsGenerator"]["enabled"] == true;
    for release in ["kube-prometheus-stack", "grafana"] {
        let text = values(release, "values").to_string();
        for graph in ["serviceMap", "nodeGraph"] {
            assert!(generates || !text.contains(graph), "{release} shows a {graph}");
        }
    }
}

/// A way to write metrics is open only where Alloy uses it.
#[test]
fn prometheus_takes_writes_where_alloy_sends_them() {
    let spec = &values("kube-prometheus-stack", "values")["prometheus"]["prometheusSpec"];
    assert_eq!(spec["enableRemoteWriteReceiver"], true);
    for release in releases().into_iter().filter(|release| release.name == "alloy") {
        for profile in release.profiles {
            let own = files("alloy").contains(&profile);
            let config = values("alloy", if own { &profile } else { "values" });
            let config = config["alloy"]["configMap"]["content"].to_string();
            // The profile gmp has no Prometheus.
            assert_eq!(config.contains(":9090/api/v1/write"), profile != "gmp", "{profile}");
        }
    }
}

/// On Autopilot no alert sees that this volume fills, so Prometheus deletes before it is full.
#[test]
fn prometheus_keeps_less_than_its_volume_holds() {
    let spec = &values("kube-prometheus-stack", "values")["prometheus"]["prometheusSpec"];
    let number = |text: &str, unit: &str| -> f64 {
        let number = text.strip_suffix(unit).unwrap_or_else(|| panic!("{text} is not in {unit}"));
        number.parse().expect("a number")
    };
    let kept = number(spec["retentionSize"].as_str().expect("a limit"), "GB") * 1e9;
    let volume = &spec["storageSpec"]["volumeClaimTemplate"]["spec"]["resources"]["requests"];
    let volume = number(volume["storage"].as_str().expect("a size"), "Gi") * 1024_f64.powi(3);
    assert!(kept < 0.9 * volume, "{kept} of {volume} bytes");
}

/// What was sent and what is silenced is known again after a node was upgraded.
#[test]
fn alertmanager_keeps_what_it_sent_for_longer_than_it_waits_to_repeat() {
    let spec = &values("kube-prometheus-stack", "values")["alertmanager"]["alertmanagerSpec"];
    assert!(spec["storage"]["volumeClaimTemplate"]["spec"]["resources"].is_object());
    let hours = |text: &str| -> u64 {
        let (number, scale) = match text.split_at(text.len() - 1) {
            (number, "d") => (number, 24),
            (number, "h") => (number, 1),
            _ => panic!("{text} is neither in days nor in hours"),
        };
        number.parse::<u64>().expect("a number") * scale
    };
    let kept = hours(spec["retention"].as_str().expect("a time"));
    let routes = stack().join("../demo-app/files/alertmanager/alertmanager.yaml");
    let routes = fs::read_to_string(routes).expect("text");
    let repeats = routes.lines().filter_map(|line| line.trim().strip_prefix("repeat_interval: "));
    let repeats = repeats.map(|repeat| repeat.trim_matches('"'));
    let repeats = repeats.filter(|repeat| !repeat.ends_with('m'));
    let longest = repeats.map(hours).max().expect("alerts are repeated");
    assert!(kept > longest, "{kept} h are kept, and {longest} h are waited");
}
