//! What the template of `cargo generate` delivers: chart, workflow and Dockerfile.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use crate::deploy::{chart, kind, objects, run, succeed};
use crate::schema::{kubeconform, write_schemas};
use crate::template::{FRAMEWORKS, generate};

#[test]
#[ignore = "needs cargo-generate, go, helm and kubeconform; cargo xtask test --only deploy"]
fn the_chart_of_the_template_fits_its_schemas_and_asks_for_its_rules() {
    let dir = tempfile::tempdir().expect("a directory");
    let service = generate("axum", dir.path());
    let render = || {
        let mut helm = Command::new("helm");
        helm.args(["template", "shop"]).arg(service.join("chart"));
        helm
    };
    let without = run(&mut render());
    let said = String::from_utf8_lossy(&without.stderr);
    assert!(!without.status.success() && said.contains("cargo run -- generate"), "{said}");

    // The rules of the demo come from the same generator, and need no build here.
    let rules = service.join("chart/files/kubernetes");
    fs::create_dir_all(&rules).expect("made");
    for entry in fs::read_dir(chart().join("files/kubernetes")).expect("there").flatten() {
        fs::copy(entry.path(), rules.join(entry.file_name())).expect("copied");
    }
    succeed(Command::new("helm").args(["lint", "--strict"]).arg(service.join("chart")));
    let manifest = succeed(&mut render());
    let kinds: BTreeSet<_> = objects(&manifest)
        .iter()
        .map(|object| {
            let version = object["apiVersion"].as_str().expect("a version");
            (version.to_owned(), kind(object).to_owned())
        })
        .collect();
    let names: Vec<_> = kinds.iter().map(|(_, kind)| kind.as_str()).collect();
    let expected =
        ["Deployment", "PrometheusRule", "ServiceMonitor", "PodDisruptionBudget", "Service"];
    assert_eq!(names, expected);
    let schemas = dir.path().join("schemas");
    fs::create_dir(&schemas).expect("made");
    write_schemas(&kinds, &schemas);
    let file = dir.path().join("manifest.yaml");
    fs::write(&file, &manifest).expect("written");
    let said = succeed(kubeconform(&schemas).arg(&file));
    assert!(said.contains("Invalid: 0, Errors: 0, Skipped: 0"), "{said}");
    // One of the rules for each of the two SLOs of the demo.
    assert_eq!(manifest.matches("kind: PrometheusRule").count(), 2);
}

#[test]
#[ignore = "needs cargo-generate, actionlint, hadolint and zizmor; cargo xtask test --only deploy"]
fn workflow_and_dockerfile_of_the_template_pass_their_linters() {
    let dir = tempfile::tempdir().expect("a directory");
    for framework in FRAMEWORKS {
        let service = generate(framework, dir.path());
        let workflow = service.join(".github/workflows/ci.yml");
        succeed(Command::new("actionlint").arg(&workflow));
        succeed(Command::new("zizmor").arg("--offline").arg(&workflow));
        succeed(Command::new("hadolint").arg(service.join("Dockerfile")));
        let readme = fs::read_to_string(service.join("README.md")).expect("text");
        assert!(readme.contains(&format!("A service on {framework}")), "{readme}");
        for left in ["cargo-generate.toml", "choose.rhai", "Cargo.toml.liquid", "src/app"] {
            assert!(!service.join(left).exists(), "{left} is of the template alone");
        }
        assert_eq!(service.join("proto").exists(), framework == "tonic");
    }
}
