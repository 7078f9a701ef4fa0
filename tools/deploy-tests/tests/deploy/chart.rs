//! The demo's chart: what it renders, what it refuses, and what a cluster would say.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::deploy::{chart, kind, objects, profiles, render, root, run, succeed};

/// Objects whose content is generated and checked where it is made.
const GENERATED: &[&str] = &["PrometheusRule", "Rules", "ConfigMap"];

#[test]
#[ignore = "needs helm; cargo xtask test --only deploy"]
fn every_profile_passes_lint() {
    for profile in profiles() {
        succeed(
            Command::new("helm")
                .args(["lint", "--strict", "--kube-version", "1.36.0", "--values"])
                .arg(chart().join(format!("ci/{profile}-values.yaml")))
                .arg(chart()),
        );
    }
}

#[test]
#[ignore = "needs helm-unittest; cargo xtask test --only deploy"]
fn every_template_and_toggle_does_what_its_test_says() {
    let said = succeed(Command::new("helm-unittest").arg("--strict").arg(chart()));
    assert!(!said.contains("Tests:       0 passed"), "{said}");
}

#[test]
#[ignore = "needs helm; cargo xtask test --only deploy"]
fn every_profile_renders_what_its_golden_file_says() {
    for profile in profiles() {
        let rendered = without_generated(&render("helm", &profile));
        let path = chart().join(format!("golden/{profile}.yaml"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&path, &rendered).expect("written");
        }
        let golden = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            golden == rendered,
            "{} is stale; look at the difference after UPDATE_GOLDEN=1 cargo test --test \
             deploy golden -- --ignored",
            path.display()
        );
    }
}

/// The manifest, with rules and dashboards as one line each.
fn without_generated(manifest: &str) -> String {
    let documents = manifest.split("\n---\n").filter_map(|document| {
        let [object] = &*objects(document) else { return None };
        let name = object["metadata"]["name"].as_str().expect("a name");
        Some(if GENERATED.contains(&kind(object)) {
            format!("---\n# {} {name}, generated\n", kind(object))
        } else {
            format!("---\n{}\n", document.trim_start_matches("---\n").trim_end())
        })
    });
    documents.collect()
}

#[test]
#[ignore = "needs helm and helm-3; cargo xtask test --only deploy"]
fn helm_3_renders_the_same_objects() {
    for profile in profiles() {
        let (four, three) = (render("helm", &profile), render("helm-3", &profile));
        let (four, three) = (objects(&four), objects(&three));
        assert_eq!(four.len(), three.len(), "{profile}");
        for object in &four {
            assert!(three.contains(object), "{profile}: Helm 3 has no such {object}");
        }
    }
}

#[test]
#[ignore = "needs helm; cargo xtask test --only deploy"]
fn a_key_that_no_value_has_is_refused() {
    for key in ["colour", "image.tga", "gateway.healthCheck.intervalSecond", "resources.claims.x"] {
        let mut helm = Command::new("helm");
        let output =
            run(helm.args(["template", "demo", "--set", &format!("{key}=1")]).arg(chart()));
        let said = String::from_utf8_lossy(&output.stderr);
        let last = key.rsplit('.').next().expect("a key");
        let known =
            said.contains("not allowed") && (said.contains(last) || said.contains("claims"));
        assert!(!output.status.success() && known, "{key}: {said}");
    }
}

#[test]
#[ignore = "needs helm; cargo xtask test --only deploy"]
fn every_pod_is_restricted() {
    for profile in profiles() {
        for object in objects(&render("helm", &profile)) {
            if let Some(spec) = pod_spec(&object) {
                let found = unrestricted(spec);
                assert!(found.is_empty(), "{profile}: {} {found:?}", kind(&object));
            }
        }
    }
}

fn pod_spec(object: &Value) -> Option<&Value> {
    let spec = if kind(object) == "Pod" { "/spec" } else { "/spec/template/spec" };
    object.pointer(spec).filter(|spec| spec.get("containers").is_some())
}

/// Where a pod breaks the Pod Security Standard "restricted".
fn unrestricted(spec: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut want = |holds: bool, what: &str| {
        if !holds {
            found.push(what.to_owned());
        }
    };
    let of_pod = |field: &str| spec.pointer(&format!("/securityContext/{field}"));
    for field in ["hostNetwork", "hostPID", "hostIPC"] {
        want(spec.get(field).is_none_or(|value| value == false), field);
    }
    for volume in spec["volumes"].as_array().into_iter().flatten() {
        let fine = [
            "configMap",
            "csi",
            "downwardAPI",
            "emptyDir",
            "persistentVolumeClaim",
            "projected",
            "secret",
        ];
        want(fine.iter().any(|source| volume.get(source).is_some()), "volume");
    }
    for part in ["containers", "initContainers"] {
        for container in spec[part].as_array().into_iter().flatten() {
            let of = |field: &str| container.pointer(&format!("/securityContext/{field}"));
            let either = |field: &str| of(field).or_else(|| of_pod(field));
            want(of("allowPrivilegeEscalation") == Some(&false.into()), "allowPrivilegeEscalation");
            want(of("privileged") != Some(&true.into()), "privileged");
            want(either("runAsNonRoot") == Some(&true.into()), "runAsNonRoot");
            want(either("runAsUser") != Some(&0.into()), "runAsUser");
            let seccomp = either("seccompProfile").map(|profile| &profile["type"]);
            want(seccomp.is_some_and(|s| s == "RuntimeDefault" || s == "Localhost"), "seccomp");
            let drops = of("capabilities").map(|capabilities| &capabilities["drop"]);
            want(drops == Some(&serde_json::json!(["ALL"])), "capabilities");
            // Not of the standard, and still ours.
            want(of("readOnlyRootFilesystem") == Some(&true.into()), "readOnlyRootFilesystem");
        }
    }
    found
}

#[test]
fn a_pod_that_is_not_restricted_is_found() {
    let bare = serde_json::json!({"hostPID": true, "volumes": [{"name": "v", "hostPath": {}}],
        "containers": [{"name": "c"}]});
    assert_eq!(
        unrestricted(&bare),
        [
            "hostPID",
            "volume",
            "allowPrivilegeEscalation",
            "runAsNonRoot",
            "seccomp",
            "capabilities",
            "readOnlyRootFilesystem"
        ]
    );
}

#[test]
#[ignore = "needs helm; cargo xtask test --only deploy"]
fn autopilot_takes_every_profile_as_it_is() {
    let dir = tempfile::tempdir().expect("a directory");
    for profile in profiles() {
        let path = dir.path().join(format!("{profile}.yaml"));
        fs::write(&path, render("helm", &profile)).expect("written");
        let xtask = env!("CARGO_BIN_EXE_deploy-tests");
        succeed(Command::new(xtask).args(["autopilot", "--strict"]).arg(path).current_dir(root()));
    }
}

#[test]
#[ignore = "needs helm and promtool; cargo xtask test --only deploy"]
fn rendered_rules_pass_their_own_tests_in_their_own_namespace() {
    let dir = tempfile::tempdir().expect("a directory");
    let rules = |profile: &str, of: &str| -> Vec<_> {
        objects(&render("helm", profile)).into_iter().filter(|object| kind(object) == of).collect()
    };
    let (operator, google) = (rules("local", "PrometheusRule"), rules("gmp", "Rules"));
    assert_eq!(operator.len(), 2);
    for (object, twin) in operator.iter().zip(&google) {
        assert_eq!(object["spec"], twin["spec"], "both flavours have the same rules");
        let slo = object["metadata"]["labels"]["sre-kit/slo"].as_str().expect("a label");
        let text = serde_yaml_ng::to_string(&object["spec"]).expect("YAML");
        assert!(!text.contains("RELEASE-NAMESPACE") && text.contains("namespace=\"shop\""));
        let file = dir.path().join(format!("{slo}.rules.yaml"));
        fs::write(&file, text).expect("written");
        succeed(
            Command::new("promtool")
                .args(["check", "rules", "--lint=all", "--lint-fatal"])
                .arg(file),
        );
        // Those over the whole period take minutes and change nothing here.
        let tests = chart().join(format!("files/prometheus/{slo}.test.yaml"));
        let tests = fs::read_to_string(tests).expect("generated");
        // Without an address of Grafana in the values, alerts have no link to it.
        let lines = tests.lines().filter(|line| !line.contains("dashboard_url:"));
        let tests = lines.collect::<Vec<_>>().join("\n");
        let file = dir.path().join(format!("{slo}.test.yaml"));
        fs::write(&file, tests.replace("RELEASE-NAMESPACE", "shop")).expect("written");
        succeed(Command::new("promtool").args(["test", "rules"]).arg(file));
    }
}

#[test]
#[ignore = "needs helm and checkov; cargo xtask test --only deploy"]
fn checkov_finds_nothing_that_has_no_reason() {
    // checkov passes over directories whose name begins with a dot.
    let dir = tempfile::Builder::new().prefix("charts").tempdir().expect("a directory");
    for profile in profiles() {
        fs::write(dir.path().join(format!("{profile}.yaml")), render("helm", &profile))
            .expect("written");
    }
    let said = succeed(
        Command::new("checkov")
            .args(["--framework", "kubernetes", "--output", "json", "--compact"])
            .args(["--skip-download", "--config-file"])
            .arg(chart().join(".checkov.yaml"))
            .arg("--directory")
            .arg(dir.path()),
    );
    let report: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(report["summary"]["failed"], 0, "{said}");
    let passed = report["summary"]["passed"].as_u64().expect("a number");
    assert!(passed > 100 * profiles().len() as u64, "only {passed} checks ran");
}

#[test]
#[ignore = "needs helm; cargo xtask test --only deploy"]
fn every_variable_that_the_chart_sets_is_read_by_somebody() {
    let mut code = String::new();
    read_all(&root().join("sre-kit/src"), &mut code);
    read_all(&root().join("crates"), &mut code);
    read_all(&root().join("demo-app/src"), &mut code);
    for profile in profiles() {
        for object in objects(&render("helm", &profile)) {
            let Some(spec) = pod_spec(&object) else { continue };
            for variable in spec["containers"][0]["env"].as_array().into_iter().flatten() {
                let name = variable["name"].as_str().expect("a name");
                // Composed in the code, of the signal and the setting.
                let composed = [
                    "OTEL_EXPORTER_OTLP_",
                    "OTEL_TRACES_EXPORTER",
                    "OTEL_METRICS_EXPORTER",
                    "OTEL_LOGS_EXPORTER",
                ];
                let by_user = name == "TZ";
                let known = composed.iter().any(|prefix| name.starts_with(prefix)) || by_user;
                assert!(known || code.contains(&format!("\"{name}\"")), "{profile}: {name}");
            }
        }
    }
}

fn read_all(dir: &Path, into: &mut String) {
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            read_all(&path, into);
        } else {
            into.push_str(&fs::read_to_string(path).unwrap_or_default());
        }
    }
}
