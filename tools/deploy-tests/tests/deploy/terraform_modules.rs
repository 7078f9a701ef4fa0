//! `terraform/`: what Terraform, OpenTofu, the real Google provider, tflint and checkov
//! say of it without a credential, and what none of them can know.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Mutex;
use std::thread;

use serde_json::Value;

use crate::deploy::{chart, objects, root, run, succeed};
use crate::terraform::condition::{Claims, holds};
use crate::terraform::engine::{Engine, write_for_opentofu};
use crate::terraform::{Tree, documented, environments, example, examples, files, plan, roots};

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

#[test]
#[ignore = "needs terraform; cargo xtask test --only deploy"]
fn files_are_formatted_as_terraform_does() {
    let format = |dir: &Path| {
        run(Command::new("terraform").args(["fmt", "-check", "-diff", "-recursive"]).arg(dir))
    };
    let output = format(&root().join("terraform"));
    assert!(output.status.success(), "{}", said(&output));

    let tree = Tree::new();
    tree.change("bootstrap/versions.tf", "  required_version", "    required_version");
    assert!(!format(&tree.path(".")).status.success());
}

/// Every folder by itself: what the provider's own schema allows, and its tests. Two at a
/// time, since each run keeps one core busy.
fn valid_and_tested(engine: &Engine, tree: &Tree) {
    let todo = Mutex::new(roots());
    let next = || todo.lock().expect("nobody panics with it").pop();
    let work = || {
        let mut done = Vec::new();
        while let Some(root) = next() {
            let dir = tree.path(&root);
            let tested = engine
                .init(&dir)
                .and_then(|()| engine.validate(&dir))
                .and_then(|()| engine.test(&dir))
                .map_err(|why| format!("{root}: {why}"));
            done.push(tested);
        }
        done
    };
    let done = thread::scope(|scope| {
        let workers = [scope.spawn(work), scope.spawn(work)];
        workers.map(|worker| worker.join().expect("does not panic"))
    });
    let done: Vec<_> = done.into_iter().flatten().collect();
    let failed: Vec<_> = done.iter().filter_map(|tested| tested.as_ref().err()).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    let passed: u64 = done.iter().flatten().map(|tested| tested.passed).sum();
    assert!(passed > 200, "{passed} runs");
}

#[test]
#[ignore = "needs terraform and terraform-provider-google; cargo xtask test --only deploy"]
fn every_folder_is_valid_and_passes_its_tests_with_terraform() {
    valid_and_tested(&Engine::terraform(), &Tree::new());
}

#[test]
#[ignore = "needs tofu and terraform-provider-google; cargo xtask test --only deploy"]
fn every_folder_is_valid_and_passes_its_tests_with_opentofu() {
    let tree = Tree::new();
    write_for_opentofu(&tree);
    valid_and_tested(&Engine::opentofu(), &tree);
}

/// The example of a folder's README, as the real provider would make it. It plans what
/// is not there yet without asking Google.
fn example_planned(engine: &Engine, tree: &Tree, root: &str) -> Result<Value, String> {
    text_planned(engine, tree, root, &example(tree, root))
}

pub(crate) fn text_planned(
    engine: &Engine,
    tree: &Tree,
    root: &str,
    example: &str,
) -> Result<Value, String> {
    let mut dir = root.to_owned();
    if root.starts_with("modules/") {
        // Beside the environments, so that its paths are theirs.
        dir = format!("environments/{}", root.replace('/', "-"));
        tree.write(&format!("{dir}/main.tf"), example);
    } else {
        tree.write(&format!("{dir}/terraform.tfvars"), example);
    }
    let dir = tree.path(&dir);
    engine.init(&dir)?;
    engine.plan(&dir)
}

#[test]
#[ignore = "needs terraform and terraform-provider-google; cargo xtask test --only deploy"]
fn the_example_of_every_readme_is_planned_by_the_real_provider() {
    let engine = Engine::terraform();
    let tree = Tree::new();
    let mut failed = Vec::new();
    for root in documented() {
        match example_planned(&engine, &tree, &root) {
            Ok(planned) => {
                assert!(!plan::resources(&planned).is_empty(), "{root}: makes nothing");
                failed.extend(plan::problems(&planned).into_iter().map(|p| format!("{root}: {p}")));
            }
            Err(why) => failed.push(format!("{root}: {why}")),
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

/// An environment as it would be applied: what is in the example of its variables.
pub(crate) fn planned(engine: &Engine, tree: &Tree, root: &str) -> Value {
    let dir = tree.path(root);
    // The state's bucket is not there.
    tree.write(&format!("{root}/local_override.tf"), "terraform {\n  backend \"local\" {}\n}\n");
    let variables = tree.read(&format!("{root}/terraform.tfvars.example"));
    tree.write(&format!("{root}/terraform.tfvars"), &variables);
    succeed(engine.command(&dir).args(["init", "-no-color"]));
    engine.plan(&dir).unwrap_or_else(|why| panic!("{root}: {why}"))
}

#[test]
#[ignore = "needs terraform and terraform-provider-google; cargo xtask test --only deploy"]
fn an_environment_is_private_has_no_key_and_grants_what_is_written_down() {
    let engine = Engine::terraform();
    let tree = Tree::new();
    for environment in environments() {
        let planned = planned(&engine, &tree, &environment);
        assert_eq!(plan::problems(&planned), Vec::<String>::new(), "{environment}");

        let file = format!("{environment}/grants.txt");
        let found = plan::grants(&planned).into_iter().collect::<Vec<_>>().join("\n");
        assert!(found == tree.read(&file).trim_end(), "{file} is not what is granted:\n{found}");

        // What protects against deletion, and where it is on.
        for (kind, address, after) in plan::resources(&planned) {
            let protected = match kind {
                "google_container_cluster" | "google_sql_database_instance" => {
                    after["deletion_protection"] == true
                }
                "google_artifact_registry_repository"
                | "google_dns_managed_zone"
                | "google_compute_global_address"
                    if after["visibility"] != "private" && after["purpose"].is_null() =>
                {
                    after["deletion_policy"] == "PREVENT"
                }
                _ => continue,
            };
            assert_eq!(protected, environment.ends_with("prod"), "{environment}: {address}");
        }
    }
}

#[test]
#[ignore = "needs helm, terraform and terraform-provider-google; cargo xtask test --only deploy"]
fn the_chart_takes_the_values_of_every_mocked_apply() {
    let engine = Engine::terraform();
    let tree = Tree::new();
    let mut rendered = 0;
    let mut with_outputs = environments();
    with_outputs.push("modules/platform".to_owned());
    for folder in with_outputs {
        let dir = tree.path(&folder);
        let tested = engine.init(&dir).and_then(|()| engine.test_with_states(&dir));
        let tested = tested.unwrap_or_else(|why| panic!("{folder}: {why}"));
        for (name, state) in tested.states {
            // What `terraform output -json helm_values` prints.
            let values = &state["outputs"]["helm_values"]["value"];
            if values.is_null() {
                continue;
            }
            rendered += 1;
            let place = format!("{folder}: {name}");
            let file = tree.path("values.json");
            fs::write(&file, values.to_string()).expect("written");
            assert_eq!(unknown_keys(values), Vec::<String>::new(), "{place}");
            let manifest = succeed(
                Command::new("helm")
                    .args(["template", "demo", "--namespace", "demo", "--kube-version", "1.36.0"])
                    .args(["--set", &format!("image.digest=sha256:{}", "0".repeat(64))])
                    .arg("--values")
                    .arg(&file)
                    .arg(chart()),
            );
            check_rendered(&place, values, &manifest);
        }
    }
    assert!(rendered >= 6, "{rendered} renders");
}

/// Keys of the values that the chart's own do not have; where those are open, all are known.
fn unknown_keys(values: &Value) -> Vec<String> {
    fn walk(ours: &Value, theirs: &Value, path: &str, unknown: &mut Vec<String>) {
        let Some(keys) = ours.as_object() else { return };
        let Some(known) = theirs.as_object() else {
            unknown.push(path.to_owned());
            return;
        };
        if known.is_empty() {
            return;
        }
        for (key, value) in keys {
            let path = format!("{path}.{key}");
            match known.get(key) {
                Some(theirs) => walk(value, theirs, &path, unknown),
                None => unknown.push(path),
            }
        }
    }
    let defaults = fs::read_to_string(chart().join("values.yaml")).expect("there are values");
    let defaults: Value = serde_yaml_ng::from_str(&defaults).expect("YAML");
    let mut unknown = Vec::new();
    walk(values, &defaults, "", &mut unknown);
    unknown
}

/// What Terraform knows is in the objects, where Kubernetes reads it.
fn check_rendered(place: &str, values: &Value, manifest: &str) {
    let objects = objects(manifest);
    let one = |kind: &str| objects.iter().find(|object| object["kind"] == kind);
    let deployment = one("Deployment").expect("there is one");
    let spec = &deployment["spec"]["template"]["spec"];
    let image = spec["containers"][0]["image"].as_str().expect("text");
    let repository = values["image"]["repository"].as_str().expect("text");
    assert!(image.starts_with(&format!("{repository}@sha256:")), "{place}: {image}");
    assert_eq!(spec["serviceAccountName"], values["serviceAccount"]["name"], "{place}");
    assert!(manifest.contains(values["database"]["user"].as_str().expect("text")), "{place}");
    assert!(manifest.contains(values["migration"]["user"].as_str().expect("text")), "{place}");
    let accounts: Vec<_> = objects.iter().filter(|o| o["kind"] == "ServiceAccount").collect();
    for account in [&values["serviceAccount"], &values["migration"]["serviceAccount"]] {
        assert!(
            accounts.iter().any(|made| made["metadata"]["name"] == account["name"]
                && made["metadata"]["annotations"]["iam.gke.io/gcp-service-account"]
                    == account["annotations"]["iam.gke.io/gcp-service-account"]),
            "{place}: {account}"
        );
    }
    let gateway = values["gateway"]["enabled"] == true;
    assert_eq!(one("Gateway").is_some(), gateway, "{place}");
    assert_eq!(one("Ingress").is_some(), !gateway, "{place}");
}

#[test]
#[ignore = "needs tflint; cargo xtask test --only deploy"]
fn tflint_finds_nothing() {
    let lint = |tree: &Tree| {
        let config = tree.path(".tflint.hcl");
        run(Command::new("tflint")
            .args(["--recursive", "--no-color", "--config"])
            .arg(config)
            .current_dir(tree.path("."))
            .env_remove("TFLINT_CONFIG_FILE"))
    };
    let output = lint(&Tree::new());
    assert!(output.status.success(), "{}", said(&output));

    for (file, right, wrong, rule) in [
        (
            "modules/network/variables.tf",
            "  description = \"Project that the network is in.\"\n",
            "",
            "terraform_documented_variables",
        ),
        (
            "modules/cloud-sql/outputs.tf",
            "output \"port\"",
            "output \"thePort\"",
            "terraform_naming_convention",
        ),
        (
            "modules/dns-tls/main.tf",
            "locals {",
            "locals {\n  nobody_reads_this = 1",
            "terraform_unused_declarations",
        ),
    ] {
        let tree = Tree::new();
        tree.change(file, right, wrong);
        let output = lint(&tree);
        assert!(!output.status.success(), "{file} with {wrong}");
        assert!(said(&output).contains(rule), "{rule}: {}", said(&output));
    }
}

#[test]
#[ignore = "needs checkov; cargo xtask test --only deploy"]
fn checkov_finds_nothing() {
    let check = |tree: &Tree| {
        let output = run(Command::new("checkov")
            .args(["--output", "json", "--config-file"])
            .arg(tree.path(".checkov.yaml"))
            .arg("--directory")
            .arg(tree.path("."))
            .current_dir(tree.path(".")));
        let report: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", said(&output)));
        let failed: BTreeSet<_> = report["results"]["failed_checks"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|check| {
                let text = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
                format!("{} {} {}", text("check_id"), text("resource"), text("file_path"))
            })
            .collect();
        (report["summary"]["passed"].as_u64().unwrap_or_default(), failed)
    };
    let (passed, failed) = check(&Tree::new());
    assert_eq!(failed, BTreeSet::new());
    assert!(passed > 140, "{passed} checks passed");

    let tree = Tree::new();
    tree.change("bootstrap/main.tf", "uniform_bucket_level_access = true", "");
    tree.change("modules/cloud-sql/main.tf", "ipv4_enabled    = false", "ipv4_enabled = true");
    tree.change(
        "modules/gke-standard/main.tf",
        "mode = \"GKE_METADATA\"",
        "mode = \"GCE_METADATA\"",
    );
    let found = check(&tree).1.into_iter().collect::<Vec<_>>().join("\n");
    for id in ["CKV_GCP_29", "CKV_GCP_60", "CKV_GCP_69"] {
        assert!(found.contains(id), "{id}: {found}");
    }
}

#[test]
fn what_checkov_is_told_to_pass_over_has_its_reason() {
    let mut skipped = 0;
    for (name, text) in files() {
        let mut before = "";
        for line in text.lines() {
            if let Some(rest) = line.trim_start().strip_prefix("#checkov:skip=") {
                let reason = rest.split_once(':').map(|(_, reason)| reason.trim());
                assert!(reason.is_some_and(|reason| reason.len() > 20), "{name}: {line}");
                skipped += 1;
            }
            if name == ".checkov.yaml" && line.trim_start().starts_with("- CKV") {
                let above = before.trim_start();
                assert!(above.starts_with('#'), "{name}: {line} has no reason above it");
                skipped += 1;
            }
            before = line;
        }
    }
    assert!(skipped > 0);
}

#[test]
fn nothing_runs_a_command_holds_a_key_or_grants_a_basic_role() {
    for (name, text) in files() {
        if Path::new(&name).extension().is_none_or(|end| end != "tf") {
            continue;
        }
        for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
            let words: String = line.split_whitespace().collect::<Vec<_>>().join(" ");
            for refused in [
                "provisioner \"",
                "local-exec",
                "remote-exec",
                "data \"external\"",
                "data \"http\"",
                "resource \"null_resource\"",
                "resource \"terraform_data\"",
                "resource \"google_service_account_key\"",
                "role = \"roles/owner\"",
                "role = \"roles/editor\"",
                "role = \"roles/viewer\"",
                "_iam_policy\"",
                "_iam_binding\"",
                "password = ",
            ] {
                assert!(!words.contains(refused), "{name}: {line}");
            }
        }
    }
}

#[test]
fn every_folder_has_its_parts() {
    let files = files();
    for root in roots() {
        for part in ["main.tf", "variables.tf", "outputs.tf", "versions.tf"] {
            assert!(files.contains_key(&format!("{root}/{part}")), "{root} has no {part}");
        }
        let tests = format!("{root}/tests/");
        assert!(files.keys().any(|name| name.starts_with(&tests)), "{root} has no tests");
        let variables = &files[&format!("{root}/variables.tf")];
        let lines = variables.lines().filter(|line| line.trim_start().starts_with("error_message"));
        for line in lines {
            // A sentence for a person, with what to do.
            assert!(line.trim_end().ends_with(".\"") || line.contains('`'), "{root}: {line}");
        }
    }
    for root in documented() {
        let readme = files.get(&format!("{root}/README.md"));
        let readme = readme.unwrap_or_else(|| panic!("{root} has no README.md"));
        assert!(readme.contains("```hcl\n"), "{root}/README.md has no example");
    }
}

/// Whoever plans and applies has the version that the tests had.
#[test]
fn a_lock_file_names_the_provider_that_the_tests_use() {
    let catalogue = fs::read_to_string(root().join("tools/toolbox/src/tools.rs"));
    let catalogue = catalogue.expect("there is one");
    let at = catalogue.find("registry.terraform.io/hashicorp/google").expect("in the catalogue");
    let version = catalogue[at..].split('"').nth(2).expect("a version").to_owned();
    for root in roots() {
        let name = format!("{root}/.terraform.lock.hcl");
        let Some(lock) = files().remove(&name) else {
            // A module is used with the lock of what it is used in.
            assert!(root.starts_with("modules/"), "{root} has no lock file");
            continue;
        };
        assert!(lock.contains(&format!("version     = \"{version}\"")), "{name}: not {version}");
        let hashes = lock.matches("\"h1:").count();
        assert!(hashes != 1, "{name} has the hash of one platform only; see its head");
    }
}

/// Everybody who has a token of GitHub's asks; the bootstrap's own example answers.
#[test]
#[ignore = "needs terraform and terraform-provider-google; cargo xtask test --only deploy"]
fn pull_requests_may_plan_and_only_main_applies_deploys_and_publishes() {
    let engine = Engine::terraform();
    let tree = Tree::new();
    // Each environment's project has its own.
    let planned: Vec<_> = examples(&tree, "bootstrap")
        .iter()
        .map(|example| text_planned(&engine, &tree, "bootstrap", example).expect("a plan"))
        .collect();
    let conditions: Vec<_> = planned
        .iter()
        .map(|planned| {
            let provider = plan::resources(planned)
                .into_iter()
                .find(|(kind, ..)| *kind == "google_iam_workload_identity_pool_provider")
                .expect("there is one");
            provider.2["attribute_condition"].as_str().expect("text").to_owned()
        })
        .collect();
    let let_in = |claims: &Claims| conditions.iter().any(|condition| holds(condition, claims));

    let job = |environment: &str, event: &str, git_ref: &str| -> Claims {
        [
            ("repository_id", "42"),
            ("repository_owner_id", "7"),
            ("environment", environment),
            ("event_name", event),
            ("ref", git_ref),
        ]
        .into_iter()
        .map(|(claim, value)| (claim, value.to_owned()))
        .collect()
    };
    for (environment, event, git_ref, expected) in [
        ("dev-plan", "pull_request", "refs/pull/7/merge", true),
        ("prod-plan", "pull_request", "refs/pull/7/merge", true),
        ("dev-plan", "push", "refs/heads/main", true),
        ("dev", "push", "refs/heads/main", true),
        ("prod", "workflow_dispatch", "refs/heads/main", true),
        ("publish", "push", "refs/heads/main", true),
        ("publish", "push", "refs/tags/v1.2.3", true),
        // Code that nobody has read.
        ("dev", "pull_request", "refs/pull/7/merge", false),
        ("prod", "pull_request", "refs/pull/7/merge", false),
        ("publish", "pull_request", "refs/pull/7/merge", false),
        ("dev", "workflow_dispatch", "refs/heads/feature", false),
        ("prod", "push", "refs/heads/main-2", false),
        ("dev-plan", "push", "refs/heads/feature", false),
        ("publish", "push", "refs/tags/latest", false),
        ("prod", "push", "refs/tags/v1.2.3", false),
        // Runs with the base's ref and rights, on somebody's code.
        ("dev-plan", "pull_request_target", "refs/heads/main", false),
        ("dev", "pull_request_target", "refs/heads/main", false),
        ("staging", "push", "refs/heads/main", false),
    ] {
        let claims = job(environment, event, git_ref);
        assert_eq!(let_in(&claims), expected, "{environment}, {event}, {git_ref}");
    }

    let right = job("dev", "push", "refs/heads/main");
    for claim in ["repository_id", "repository_owner_id", "environment", "event_name", "ref"] {
        let mut without = right.clone();
        without.remove(claim);
        assert!(!let_in(&without), "without {claim}");
        let mut other = right.clone();
        other.insert(claim, if claim == "event_name" { "pull_request_target" } else { "8" }.into());
        assert!(!let_in(&other), "another {claim}");
    }

    // What each environment may do, of those that write anything.
    let grants: BTreeSet<_> = planned.iter().flat_map(plan::grants).collect();
    for environment in ["dev-plan", "prod-plan", "publish"] {
        for grant in grants.iter().filter(|grant| grant.contains(&format!("42-{environment}"))) {
            let role = grant.split_whitespace().nth(1).expect("a role");
            let reads = ["eader", "iewer", "securityReviewer"];
            assert!(reads.iter().any(|word| role.contains(word)), "{grant}");
        }
    }
    assert!(!grants.iter().any(|grant| grant.contains("42-publish")), "{grants:?}");
}

/// A job says in its `environment` who it is; whoever has no such name there is nobody.
#[test]
fn every_environment_that_a_workflow_authenticates_in_is_in_the_bootstraps_example() {
    let example = examples(&Tree::new(), "bootstrap").concat();
    let mut found = BTreeSet::new();
    for workflow in fs::read_dir(root().join(".github/workflows")).expect("there are workflows") {
        let text = fs::read_to_string(workflow.expect("read").path()).expect("text");
        let workflow: Value = serde_yaml_ng::from_str(&text).expect("YAML");
        for job in workflow["jobs"].as_object().expect("there are jobs").values() {
            let steps = job["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
            let authenticates = steps.iter().any(|step| {
                step["uses"].as_str().is_some_and(|u| u.starts_with("google-github-actions/auth@"))
            });
            let Some(name) = job["environment"].as_str().filter(|_| authenticates) else {
                continue;
            };
            match name.split_once("${{") {
                None => drop(found.insert(name.to_owned())),
                Some((_, rest)) => {
                    let after = rest.split_once("}}").expect("an expression ends").1;
                    found.extend(["dev", "prod"].map(|which| format!("{which}{after}")));
                }
            }
        }
    }
    let expected = ["dev", "dev-plan", "prod", "prod-plan", "publish"].map(str::to_owned);
    assert_eq!(found, BTreeSet::from(expected));
    for environment in found {
        let named = |line: &str| {
            line.trim_start().strip_prefix(&environment).is_some_and(|r| r.trim().starts_with('='))
        };
        assert!(example.lines().any(named), "{environment} is not in {example}");
    }
}
