//! The workflows: what zizmor and actionlint say of them, and what neither can know.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_yaml_ng::Value;
use tempfile::TempDir;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Name and text of each workflow.
fn workflows() -> Vec<(String, String)> {
    let dir = Path::new(ROOT).join(".github/workflows");
    let mut found: Vec<_> = fs::read_dir(dir)
        .expect("there are workflows")
        .map(|entry| entry.expect("read").path())
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).expect("text"))
        })
        .collect();
    found.sort();
    assert!(found.len() >= 6, "{} workflows", found.len());
    found
}

fn parsed(text: &str) -> Value {
    serde_yaml_ng::from_str(text).expect("YAML")
}

/// Every job with the name of its file.
fn jobs() -> Vec<(String, Value)> {
    let jobs = |(file, text): (String, String)| {
        let workflow = parsed(&text);
        let jobs = workflow["jobs"].as_mapping().expect("there are jobs").clone();
        jobs.into_iter()
            .map(move |(name, job)| (format!("{file}: {}", name.as_str().expect("text")), job))
    };
    workflows().into_iter().flat_map(jobs).collect()
}

fn steps() -> Vec<(String, Value)> {
    jobs()
        .into_iter()
        .flat_map(|(name, job)| {
            let steps = job["steps"].as_sequence().cloned().unwrap_or_default();
            steps.into_iter().map(move |step| (name.clone(), step))
        })
        .collect()
}

/// A copy of `.github` with one thing changed in one workflow.
fn changed(file: &str, right: &str, wrong: &str) -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let dir = directory.path().join(".github/workflows");
    fs::create_dir_all(&dir).expect("made");
    for (name, mut text) in workflows() {
        if name == file {
            assert!(text.contains(right), "{file} has {right}");
            text = text.replacen(right, wrong, 1);
        }
        fs::write(dir.join(name), text).expect("written");
    }
    directory
}

fn zizmor(root: &Path) -> Output {
    Command::new("zizmor")
        .args(["--offline", "--persona=auditor", "--no-progress", ".github"])
        .current_dir(root)
        .output()
        .expect("zizmor runs")
}

fn actionlint(root: &Path) -> Output {
    // Without a repository it does not know which files to look at.
    let files: Vec<PathBuf> = fs::read_dir(root.join(".github/workflows"))
        .expect("there are workflows")
        .map(|entry| entry.expect("read").path())
        .collect();
    Command::new("actionlint").args(files).current_dir(root).output().expect("actionlint runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

#[test]
#[ignore = "needs zizmor; cargo xtask test --only deploy"]
fn an_auditor_finds_nothing() {
    let output = zizmor(Path::new(ROOT));
    assert!(output.status.success(), "{}", said(&output));

    for (file, right, wrong, finding) in [
        (
            "ci.yml",
            "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1",
            "actions/checkout@v7",
            "unpinned-uses",
        ),
        ("ci.yml", "persist-credentials: false", "persist-credentials: true", "artipacked"),
        ("deploy.yml", "\npermissions: {}\n", "\n", "excessive-permissions"),
        ("ci.yml", "\"${words[@]}\"", "${{ github.head_ref }}", "template-injection"),
    ] {
        let directory = changed(file, right, wrong);
        let output = zizmor(directory.path());
        assert!(!output.status.success(), "{file} with {wrong}");
        assert!(said(&output).contains(finding), "{finding}: {}", said(&output));
    }
}

#[test]
#[ignore = "needs actionlint and shellcheck; cargo xtask test --only deploy"]
fn a_linter_finds_nothing() {
    let output = actionlint(Path::new(ROOT));
    assert!(output.status.success(), "{}", said(&output));

    for (file, right, wrong) in [
        ("image.yml", "needs.push.outputs.digest", "needs.push.outputs.digset"),
        ("deploy.yml", "test -n \"$hash\"", "test -n $hash"),
        ("ci.yml", "runs-on: ubuntu-24.04", "runs-on: ubuntu-23.04"),
    ] {
        let directory = changed(file, right, wrong);
        let output = actionlint(directory.path());
        assert!(!output.status.success(), "{file} with {wrong}");
    }
}

#[test]
fn what_an_auditor_is_told_to_pass_over_has_its_reason_above_it() {
    for (file, text) in workflows() {
        let lines: Vec<_> = text.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            if line.contains("zizmor: ignore") {
                let above = lines[number - 1].trim_start();
                assert!(above.starts_with('#'), "{file}:{}: no reason", number + 1);
            }
        }
    }
}

/// A tag can be moved; a commit cannot. The comment is what Dependabot reads.
#[test]
fn an_action_is_one_commit_with_its_version_everywhere() {
    let mut versions: BTreeMap<String, String> = BTreeMap::new();
    for (file, text) in workflows() {
        for line in text.lines() {
            let Some(used) = line.trim().trim_start_matches("- ").strip_prefix("uses: ") else {
                continue;
            };
            if used.starts_with("./") {
                continue;
            }
            let (action, at) = used.split_once('@').unwrap_or_else(|| panic!("{file}: {used}"));
            let (commit, version) =
                at.split_once(" # v").unwrap_or_else(|| panic!("{file}: {used} has no version"));
            assert!(
                commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit()),
                "{file}: {used}"
            );
            assert_eq!(version.split('.').count(), 3, "{file}: {used}");
            let first = versions.entry(action.to_owned()).or_insert_with(|| at.to_owned());
            assert_eq!(first, at, "{action} in {file}");
        }
    }
    assert!(versions.len() > 10, "{versions:?}");
}

#[test]
fn every_job_has_a_name_an_end_and_only_the_rights_it_asks_for() {
    for (file, text) in workflows() {
        let workflow = parsed(&text);
        let rights = workflow["permissions"].as_mapping();
        assert!(rights.is_some_and(serde_yaml_ng::Mapping::is_empty), "{file}: permissions: {{}}");
        assert!(workflow["concurrency"]["group"].is_string(), "{file}: concurrency");
        // By default a pipe hides the exit code of all but its last command: the gate's.
        assert_eq!(workflow["defaults"]["run"]["shell"], "bash", "{file}: no pipefail");
    }
    for (name, job) in jobs() {
        assert!(job["name"].is_string(), "{name}: no name");
        let rights = job["permissions"].as_mapping().unwrap_or_else(|| panic!("{name}: rights"));
        if job["uses"].is_string() {
            continue;
        }
        assert!(!job["timeout-minutes"].is_null(), "{name}: no end");
        // Whoever may be somebody at Google, or sign, is let in by an environment.
        if rights.contains_key("id-token") {
            assert!(job["environment"].is_string(), "{name}: id-token without environment");
        }
    }
}

/// Google's direct federation gives a token and no key, so there is none to steal.
#[test]
fn no_key_is_stored_and_nobody_is_authenticated_while_code_is_built() {
    for (file, text) in workflows() {
        for word in ["credentials_json", "secrets.", "service_account:", "secrets: inherit"] {
            assert!(!text.contains(word), "{file} has {word}");
        }
    }
    let mut authenticated = String::new();
    for (job, step) in steps() {
        let uses = step["uses"].as_str().unwrap_or_default();
        if uses.starts_with("google-github-actions/auth@") {
            authenticated.clone_from(&job);
        }
        let run = step["run"].as_str().unwrap_or_default();
        let builds = run.contains("cargo ") || run.contains("go install");
        assert!(!builds || authenticated != job, "{job}: {run}");
    }
    assert!(!authenticated.is_empty());
}

/// A tool that is also in the catalogue has the catalogue's version.
#[test]
fn tools_have_the_versions_that_the_tests_use() {
    let catalogue = fs::read_to_string(Path::new(ROOT).join("tools/toolbox/src/tools.rs"));
    let catalogue = catalogue.expect("there is one");
    let mut found = 0;
    for (job, step) in steps() {
        let run = step["run"].as_str().unwrap_or_default();
        for word in run.split_whitespace().filter(|word| word.contains('@')) {
            let (name, version) = word.split_once('@').expect("has one");
            if let Some(at) = catalogue.find(&format!("\"{name}\"")) {
                found += 1;
                assert!(
                    catalogue[at..].lines().next().is_some_and(|line| line.contains(version)),
                    "{job}: {word} is not the catalogue's"
                );
            }
        }
    }
    assert!(found >= 3, "helm twice and cargo-deny: {found}");
}

/// Whatever is not a clear yes goes back, and what was never started is not rolled back.
#[test]
fn a_deployment_verifies_migrates_tests_and_asks_the_gate_before_it_goes_on() {
    let (_, rollout) =
        jobs().into_iter().find(|(name, _)| name == "deploy.yml: rollout").expect("there is one");
    assert_eq!(rollout["needs"], "verify");
    let steps = rollout["steps"].as_sequence().expect("steps");
    let at = |text: &str| {
        steps
            .iter()
            .position(|step| step["run"].as_str().is_some_and(|run| run.contains(text)))
            .unwrap_or_else(|| panic!("no step has {text}"))
    };
    let order = [
        at("helm upgrade"),
        at("helm test"),
        at("demo-app gate"),
        at("rollout status"),
        at("helm rollback"),
    ];
    assert!(order.is_sorted(), "{order:?}");
    let upgrade = steps[order[0]]["run"].as_str().expect("text");
    assert!(upgrade.contains("image.digest=$DIGEST") && upgrade.contains("rollout pause"));
    let back = steps[order[4]]["if"].as_str().expect("a condition");
    assert!(back.contains("failure() || cancelled()") && back.contains("steps.canary"));
    let gate = &steps[order[2]];
    assert!(gate["continue-on-error"].is_null());
    assert!(!gate["run"].as_str().expect("text").contains("demo-app gate ||"));
}
