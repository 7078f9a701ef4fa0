//! The chart as a release of Helm 4, named demo.

use std::fs;
use std::process::Output;

use serde_json::{Value, json};

use super::{Namespace, command, image, root};

/// `helm VERB demo ...` in the namespace.
pub(crate) fn helm(namespace: &Namespace, verb: &[&str], rest: &[&str]) -> Output {
    let args = [verb, &["demo", "--namespace", namespace.name()], rest].concat();
    command("helm", &args).current_dir(root()).output().expect("helm is there")
}

/// As the deploy workflow does it, with the profile for a cluster on a laptop and
/// these values over it. Nothing here takes in monitoring's custom resources.
pub(crate) fn upgrade(namespace: &Namespace, image: &str, values: &Value, rest: &[&str]) -> Output {
    let (repository, tag) = image.rsplit_once(':').expect("has a tag");
    let own = json!({
        "image": {
            "repository": repository, "tag": tag, "digest": "", "pullPolicy": "Never",
        },
        "monitoring": {"flavor": "none"},
        "tracing": {"enabled": false},
        "fullnameOverride": "demo",
    });
    let dir = tempfile::tempdir().expect("a directory");
    let files = [("own.yaml", &own), ("values.yaml", values)].map(|(name, values)| {
        let file = dir.path().join(name);
        fs::write(&file, values.to_string()).expect("written");
        file.display().to_string()
    });
    let args = [
        &["charts/demo-app", "-f", "charts/demo-app/ci/local-values.yaml"],
        &["-f", &files[0], "-f", &files[1]][..],
        rest,
    ];
    helm(namespace, &["upgrade", "--install"], &args.concat())
}

/// Installs or changes it, which must succeed.
pub(crate) fn deploy(namespace: &Namespace, values: &Value) {
    let out = upgrade(namespace, image::demo(), values, &["--wait", "--timeout", "180s"]);
    let objects = || namespace.kubectl(&["describe", "pods"]);
    assert!(out.status.success(), "{}\n{}", said(&out), objects());
}

pub(crate) fn said(out: &Output) -> String {
    String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr)
}

/// The address of the release's Service.
pub(crate) fn address(namespace: &Namespace) -> String {
    format!("{}:80", text(&namespace.get("service/demo")["spec"]["clusterIP"]))
}

/// The states of the release's revisions, the first first.
pub(crate) fn history(namespace: &Namespace) -> Vec<String> {
    let history = helm(namespace, &["history"], &["-o", "json"]);
    let history: Vec<Value> = serde_json::from_slice(&history.stdout).expect("JSON");
    history.iter().map(|release| text(&release["status"])).collect()
}

/// The service's pods, without those that are on their way out.
pub(crate) fn pods(namespace: &Namespace) -> Vec<Value> {
    let service = "app.kubernetes.io/name=demo-app,app.kubernetes.io/component=service";
    let mut pods = namespace.list("pods", service);
    pods.retain(|pod| pod["metadata"]["deletionTimestamp"].is_null());
    pods
}

/// Names and images of the pods that are ready.
pub(crate) fn ready(namespace: &Namespace) -> Vec<(String, String)> {
    let pods = pods(namespace);
    let ready = pods.iter().filter(|pod| pod["status"]["containerStatuses"][0]["ready"] == true);
    ready
        .map(|pod| (text(&pod["metadata"]["name"]), text(&pod["spec"]["containers"][0]["image"])))
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}
