//! The workflows' steps around the rollout, which build, look and compare; and that no step
//! of these workflows is without a test.

use std::fs;
use std::process::Command;

use crate::deploy::root;
use crate::stand_in::StandIns;
use crate::workflow_steps::{run, workflow};

const EXECUTED: &[&str] = &["deploy.yml", "load.yml", "terraform.yml", "image.yml"];

/// A test runs a step by its name.
#[test]
fn every_step_of_the_workflows_is_run_by_a_test() {
    let folder = root().join("tools/deploy-tests/tests/deploy");
    let files = fs::read_dir(folder.join("workflow_steps")).expect("a folder");
    let files = files.map(|entry| entry.expect("an entry").path());
    let tests: String = files
        .chain([folder.join("workflow_builds.rs")])
        .map(|path| fs::read_to_string(path).expect("text"))
        .collect();
    let mut steps = 0;
    for file in EXECUTED {
        let workflow = workflow(file);
        for job in workflow["jobs"].as_mapping().expect("jobs").values() {
            for step in job["steps"].as_sequence().into_iter().flatten() {
                if step["run"].is_null() {
                    continue;
                }
                steps += 1;
                let name = step["name"].as_str().expect("a name");
                assert!(tests.contains(&format!("\"{name}\"")), "{file}: no test runs {name}");
            }
        }
    }
    assert!(steps > 20, "{steps} steps");
}

/// Leaves a program where cargo would.
const CARGO: &str = r#"mkdir -p target/release
printf '#!/bin/bash\necho "demo-app $*" >>"$CALLS"\n' >target/release/demo-app
chmod +x target/release/demo-app"#;

#[test]
fn the_gate_is_built_as_locked_and_writes_what_the_load_includes() {
    for (file, name) in [
        ("deploy.yml", "Build the gate"),
        ("load.yml", "Build the gate, and generate the thresholds"),
    ] {
        let all = StandIns::new(&[("rustup", ""), ("cargo", CARGO)]);
        let ended = run(&all, file, name, &[]);
        assert_eq!(ended.code, 0, "{}", ended.said);
        let cargo = all.calls("cargo").concat();
        assert!(cargo.contains("--locked") && cargo.contains("--package demo-app"), "{cargo}");
        // The folder that the script of the load imports from.
        let made = all.calls("demo-app");
        assert_eq!(made, ["demo-app generate --out demo-app/load/generated"], "{file}");
        let load = fs::read_to_string(root().join("demo-app/load/visits.ts")).expect("text");
        assert!(load.contains("./generated/"), "the load imports from elsewhere");

        let all = StandIns::new(&[("rustup", ""), ("cargo", "exit 101")]);
        assert_eq!(run(&all, file, name, &[]).code, 101);
    }
}

#[test]
fn helm_is_found_by_the_steps_after_its_installation() {
    let all = StandIns::new(&[("go", "[ $1 != env ] || echo /home/runner/go")]);
    let ended = run(&all, "deploy.yml", "Install Helm", &[]);
    assert_eq!(ended.code, 0, "{}", ended.said);
    assert_eq!(all.calls("go install").len(), 1);
    assert_eq!(all.read("github.path"), "/home/runner/go/bin\n");
    let all = StandIns::new(&[("go", "exit 1")]);
    assert_eq!(run(&all, "deploy.yml", "Install Helm", &[]).code, 1);
}

#[test]
fn the_smoke_test_waits_for_the_new_pod_and_fails_with_it() {
    let env = [("NAMESPACE", "demo"), ("RELEASE", "demo-app"), ("HASH", "7d9f")];
    let name = "Run the smoke test";
    let all = StandIns::new(&[("helm", ""), ("kubectl", "")]);
    let ended = run(&all, "deploy.yml", name, &env);
    assert_eq!(ended.code, 0, "{}", ended.said);
    let waited = all.calls("kubectl").concat();
    assert!(waited.contains("pod-template-hash=7d9f") && waited.contains("Ready"), "{waited}");
    assert_eq!(all.calls("helm test demo-app --namespace demo").len(), 1);

    let all = StandIns::new(&[("helm", ""), ("kubectl", "exit 1")]);
    assert_eq!(run(&all, "deploy.yml", name, &env).code, 1);
    assert!(all.calls("helm").is_empty(), "a pod that is not ready is not tested");
    let all = StandIns::new(&[("helm", "exit 1"), ("kubectl", "")]);
    assert_eq!(run(&all, "deploy.yml", name, &env).code, 1);
}

#[test]
fn a_promotion_resumes_waits_and_tests() {
    let env = [("NAMESPACE", "demo"), ("RELEASE", "demo-app")];
    let first = StandIns::new(&[("helm", ""), ("kubectl", "")]);
    assert_eq!(run(&first, "deploy.yml", "Promote", &env).code, 0);
    assert!(!first.read("calls").contains("resume"), "a first release is not paused");
    let paused = "case \"$*\" in *spec.paused*) echo true ;; esac";
    let all = StandIns::new(&[("helm", ""), ("kubectl", paused)]);
    let ended = run(&all, "deploy.yml", "Promote", &env);
    assert_eq!(ended.code, 0, "{}", ended.said);
    let calls = all.read("calls");
    let at = |text: &str| calls.find(text).unwrap_or_else(|| panic!("{text}: {calls}"));
    assert!(at("rollout resume deployment/demo-app") < at("rollout status"), "{calls}");
    assert!(at("rollout status deployment/demo-app") < at("helm test demo-app"), "{calls}");
    let stuck = "case \"$*\" in *status*) exit 1 ;; esac";
    let all = StandIns::new(&[("helm", ""), ("kubectl", stuck)]);
    assert_eq!(run(&all, "deploy.yml", "Promote", &env).code, 1);
    assert!(all.calls("helm").is_empty());
}

#[test]
fn the_load_script_is_inspected_before_anything_is_read() {
    let env = [("PROFILE", "spike")];
    let all = StandIns::new(&[("k6", "")]);
    let ended = run(&all, "load.yml", "Inspect", &env);
    assert_eq!(ended.code, 0, "{}", ended.said);
    let call = all.calls("k6 inspect").concat();
    assert!(call.ends_with("demo-app/load/visits.ts"), "{call}");
    let all = StandIns::new(&[("k6", "exit 107")]);
    assert_eq!(run(&all, "load.yml", "Inspect", &env).code, 107);
}

#[test]
fn time_and_version_are_those_of_the_commit() {
    let body = r#"case "$*" in
*%ct*) echo 1764547200 ;;
*%cd*) [ "$TZ" = UTC ] && echo 2025-12-01T00:00:00Z ;;
esac"#;
    let all = StandIns::new(&[("git", body)]);
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("text");
    all.write("Cargo.toml", &manifest);
    let ended = run(&all, "image.yml", "Set time and version from the commit", &[]);
    assert_eq!(ended.code, 0, "{}", ended.said);
    let version = manifest
        .lines()
        .find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"'))
        .expect("the workspace has a version");
    let expected = format!("epoch=1764547200\ncreated=2025-12-01T00:00:00Z\nversion={version}\n");
    assert_eq!(all.read("github.output"), expected);
}

/// An archive as BuildKit writes it, of this many bytes.
fn archive(all: &StandIns, bytes: u64) -> String {
    let index = r#"{"manifests": [{"digest": "sha256:abc"}]}"#;
    all.write("oci/index.json", index);
    let file = fs::File::create(all.path("oci/layer")).expect("made");
    file.set_len(bytes).expect("set");
    let tar = all.path("image.tar");
    let made = Command::new("tar")
        .args(["--create", "--directory"])
        .arg(all.path("oci"))
        .arg("--file")
        .arg(&tar)
        .args(["index.json", "layer"])
        .status();
    assert!(made.expect("tar runs").success());
    tar.display().to_string()
}

#[test]
#[ignore = "needs jq; cargo xtask test --only deploy"]
fn an_image_says_its_digest_and_is_refused_when_it_is_too_large() {
    let name = "Read the digest, and reject images above 25 MB";
    for (bytes, code) in [(20_000_000, 0), (25_000_000, 1)] {
        let all = StandIns::new(&[]);
        let image = archive(&all, bytes);
        let ended = run(&all, "image.yml", name, &[("IMAGE", &image)]);
        assert_eq!(ended.code, code, "{}", ended.said);
        assert_eq!(all.read("out/digest"), "sha256:abc\n");
        assert!(all.read("github.summary").contains("sha256:abc, "));
        assert_eq!(all.path("out/image.tar").exists(), code == 0);
    }
}

#[test]
fn two_builds_of_one_commit_have_one_digest() {
    let name = "Compare their digests";
    for (again, code) in [("sha256:abc\n", 0), ("sha256:abd\n", 1)] {
        let all = StandIns::new(&[]);
        all.write("image-amd64/digest", "sha256:abc\n");
        all.write("again-amd64/digest", again);
        let ended = run(&all, "image.yml", name, &[]);
        assert_eq!(ended.code, code, "{}", ended.said);
    }
    let all = StandIns::new(&[]);
    all.write("image-amd64/digest", "sha256:abc\n");
    assert_ne!(run(&all, "image.yml", name, &[]).code, 0, "one build proves nothing");
}
