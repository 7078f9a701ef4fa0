//! What the tests of charts share.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde::Deserialize as _;
use serde_json::Value;

pub(crate) const OPERATOR: &str = "github.com/prometheus-operator/prometheus-operator@v0.93.0";
pub(crate) const KEDA: &str = "github.com/kedacore/keda/v2@v2.20.2";

/// Modules that have the custom resources' definitions, at the versions that
/// charts/observability installs, and where in them.
pub(crate) const DEFINITIONS: &[(&str, &str)] = &[
    (OPERATOR, "example/prometheus-operator-crd"),
    (KEDA, "config/crd/bases"),
    ("github.com/kedacore/http-add-on@v0.15.0", "config/crd/bases"),
    ("sigs.k8s.io/gateway-api@v1.6.3", "config/crd/standard"),
];

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("it is there")
}

pub(crate) fn chart() -> PathBuf {
    root().join("charts/demo-app")
}

/// The profiles, by name: each a values file in `ci/`.
pub(crate) fn profiles() -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(chart().join("ci"))
        .expect("the chart has profiles")
        .filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            name.strip_suffix("-values.yaml").map(str::to_owned)
        })
        .collect();
    names.sort();
    assert!(names.len() > 5, "{names:?}");
    names
}

pub(crate) fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// Runs what has to succeed, and gives what it said.
#[track_caller]
pub(crate) fn succeed(command: &mut Command) -> String {
    let output = run(command);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{said}\n{complained}", output.status);
    said
}

/// Renders one profile.
#[track_caller]
pub(crate) fn render(helm: &str, profile: &str) -> String {
    let values = chart().join(format!("ci/{profile}-values.yaml"));
    succeed(
        Command::new(helm)
            .args(["template", "demo", "--namespace", "shop", "--kube-version", "1.36.0"])
            .arg("--values")
            .arg(values)
            .arg(chart()),
    )
}

/// The objects of a manifest.
pub(crate) fn objects(manifest: &str) -> Vec<Value> {
    serde_yaml_ng::Deserializer::from_str(manifest)
        .map(|document| Value::deserialize(document).expect("YAML"))
        .filter(|value| !value.is_null())
        .collect()
}

pub(crate) fn kind(object: &Value) -> &str {
    object["kind"].as_str().expect("an object has a kind")
}

/// Where a Go module lies, downloaded if need be.
pub(crate) fn module(name: &str) -> PathBuf {
    let said = succeed(
        Command::new("go")
            .args(["mod", "download", "-json", name])
            .current_dir(std::env::temp_dir()),
    );
    let said: Value = serde_json::from_str(&said).expect("JSON");
    said["Dir"].as_str().expect("a directory").into()
}
