//! Tests of the k6 script: its types, its settings, and its requests to the running demo.
//!
//! The tests do not run k6. TypeScript checks the script with k6's types, and Node runs it with a
//! replacement for k6's modules (`load/k6.mjs`). The load workflow runs the real k6.

#[allow(clippy::disallowed_methods, reason = "a test may sleep between two looks at a process")]
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use support::{Demo, run};
use tempfile::TempDir;

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Copies the script and generates its thresholds, as its header describes.
fn laid_out() -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    for file in ["visits.ts", "tsconfig.json"] {
        fs::copy(here("load").join(file), directory.path().join(file)).expect("copied");
    }
    let out = directory.path().join("generated");
    assert_eq!(run(&["generate", "--out", out.to_str().expect("text")]).0, Some(0));
    directory
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

/// Returns the `node_modules` directory of an installed program.
fn node_modules(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").expect("there is a PATH");
    std::env::split_paths(&path)
        .map(|dir| dir.join(program))
        .filter_map(|found| fs::canonicalize(found).ok())
        .find_map(|found| {
            let modules = found.ancestors().find(|dir| dir.ends_with("node_modules"))?;
            Some(modules.to_owned())
        })
        .expect("the program is in some node_modules")
}

fn type_check(directory: &Path) -> (bool, String) {
    let output = Command::new("tsc")
        .arg("--project")
        .arg(directory)
        .arg("--typeRoots")
        .arg(node_modules("tsc").join("@types"))
        .output()
        .expect("tsc runs");
    (output.status.success(), text(&output))
}

fn bundle(directory: &Path) -> PathBuf {
    let bundle = directory.join("bundle.mjs");
    let k6 = here("tests/load/k6.mjs");
    let output = Command::new("esbuild")
        .arg(directory.join("visits.ts"))
        .args(["--bundle", "--format=esm", "--platform=node", "--log-level=warning"])
        .arg(format!("--alias:k6/http={}", k6.display()))
        .arg(format!("--alias:k6={}", k6.display()))
        .arg(format!("--outfile={}", bundle.display()))
        .output()
        .expect("esbuild runs");
    assert!(output.status.success(), "{}", text(&output));
    bundle
}

fn node(bundle: &Path, iterations: &str, settings: &[(&str, &str)]) -> Output {
    Command::new("node")
        .arg(here("tests/load/run.mjs"))
        .arg(bundle)
        .arg(iterations)
        .envs(settings.iter().map(|(name, value)| (format!("K6_{name}"), value)))
        .output()
        .expect("node runs")
}

fn visit(bundle: &Path, iterations: &str, settings: &[(&str, &str)]) -> Value {
    let output = node(bundle, iterations, settings);
    assert!(output.status.success(), "{}", text(&output));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
#[ignore = "needs node and tsc; cargo xtask test --only deploy"]
fn the_script_has_the_types_that_k6_wants() {
    let directory = laid_out();
    let (good, said) = type_check(directory.path());
    assert!(good, "{said}");

    // The check must find a misspelt option and an unknown function, as k6 would.
    for (right, wrong) in [("preAllocatedVUs:", "preallocatedVUs:"), ("http.get(", "http.fetch(")] {
        let script = directory.path().join("visits.ts");
        let text = fs::read_to_string(here("load/visits.ts")).expect("read");
        assert!(text.contains(right));
        fs::write(&script, text.replace(right, wrong)).expect("written");
        let (good, said) = type_check(directory.path());
        assert!(!good && said.contains("visits.ts"), "{wrong}: {said}");
    }
}

#[test]
#[ignore = "needs node and esbuild; cargo xtask test --only deploy"]
fn its_thresholds_are_the_slos_own_and_a_spike_outgrows_what_is_there() {
    let directory = laid_out();
    let bundle = bundle(directory.path());
    let options = |profile| visit(&bundle, "0", &[("PROFILE", profile)])["options"].take();
    for profile in ["smoke", "steady", "spike"] {
        let options = options(profile);
        let limits = options["thresholds"].as_object().expect("there are thresholds");
        let rate = &limits["http_req_failed{slo_availability:yes}"][0];
        assert_eq!(rate["threshold"], "rate<=0.005");
        assert_eq!(rate["abortOnFail"], profile != "spike");
        let p99 = &limits["http_req_duration{expected_response:true,slo_visits_latency:yes}"][0];
        assert_eq!(p99["threshold"], "p(99)<=100");
        let scenario = &options["scenarios"][profile];
        assert_eq!(scenario["executor"], "ramping-arrival-rate", "the model is open");
        assert_eq!(scenario["exec"], "visit");
    }
    let spike = options("spike");
    let stages = spike["scenarios"]["spike"]["stages"].as_array().expect("there are stages");
    let target = |stage: &Value| stage["target"].as_u64().expect("a number");
    let top = stages.iter().map(target).max().expect("there is one");
    assert!(top >= 10 * target(&stages[0]), "{stages:?}");
}

/// From far away k6 would measure the way to the service too.
#[test]
#[ignore = "needs node and esbuild; cargo xtask test --only deploy"]
fn latency_can_be_left_to_the_service_and_errors_can_not() {
    let directory = laid_out();
    let bundle = bundle(directory.path());
    for profile in ["smoke", "steady", "spike"] {
        let settings = [("PROFILE", profile), ("LATENCY", "server")];
        let options = visit(&bundle, "0", &settings)["options"].take();
        let limits = options["thresholds"].as_object().expect("there are thresholds");
        assert!(limits.keys().all(|metric| !metric.starts_with("http_req_duration")), "{limits:?}");
        assert!(limits.contains_key("http_req_failed{slo_availability:yes}"), "{limits:?}");
        // Users that are made while the rate rises come too late: their requests are dropped.
        let scenario = &options["scenarios"][profile];
        let stages = scenario["stages"].as_array().expect("there are stages");
        let top = stages.iter().filter_map(|stage| stage["target"].as_u64()).max();
        assert!(scenario["preAllocatedVUs"].as_u64() >= top.map(|top| top / 2), "{scenario}");
    }
}

#[test]
#[ignore = "needs node and esbuild; cargo xtask test --only deploy"]
fn a_setting_that_cannot_work_ends_it_before_the_first_request() {
    let directory = laid_out();
    let bundle = bundle(directory.path());
    for (name, value) in
        [("PROFILE", "stress"), ("RATE", "many"), ("SAMPLED", "-1"), ("LATENCY", "none")]
    {
        let output = node(&bundle, "0", &[(name, value)]);
        assert!(!output.status.success());
        let said = text(&output);
        assert!(said.contains(&format!("{name} is {value}")), "{said}");
    }
    let gone = [("BASE_URL", "http://127.0.0.1:1")];
    let output = node(&bundle, "1", &gone);
    assert!(!output.status.success() && text(&output).contains("set BASE_URL"));
}

#[test]
#[ignore = "needs node and esbuild; cargo xtask test --only deploy"]
fn its_visitors_are_counted_by_the_slos_that_their_tags_name() {
    let directory = laid_out();
    let bundle = bundle(directory.path());
    let demo = Demo::start(&[]);
    let seen = visit(&bundle, "40", &[("BASE_URL", &demo.app), ("SAMPLED", "0.5")]);

    let requests = seen["requests"].as_array().expect("a list");
    // Expects one trace from setup and one per visitor.
    assert_eq!(requests.len(), 41);
    let checks = seen["checks"].as_array().expect("a list");
    assert_eq!(checks.len(), 40);
    assert!(checks.iter().all(|check| check["ok"] == true), "{checks:?}");
    assert_eq!(seen["expected"][0]["min"], 200, "a client error is no failure");

    let counted = |slo: &str| demo.metric("slo_events_total", &[&format!("slo=\"{slo}\"")]);
    let tagged = |tag: &str| requests.iter().filter(|one| one["tags"][tag] == "yes").count();
    for (slo, tag) in
        [("availability", "slo_availability"), ("visits-latency", "slo_visits_latency")]
    {
        assert_eq!(counted(slo).to_string(), tagged(tag).to_string(), "{slo}");
    }
    assert_eq!(tagged("slo_availability"), 41);

    let mut traces: Vec<_> =
        requests.iter().map(|one| one["headers"]["traceparent"].as_str().expect("sent")).collect();
    for trace in &traces {
        let parts: Vec<_> = trace.split('-').collect();
        let [version, id, span, flags] = parts[..] else { panic!("{trace}") };
        assert_eq!((version, id.len(), span.len()), ("00", 32, 16), "{trace}");
        assert!(id.chars().chain(span.chars()).all(|c| matches!(c, '0'..='9' | 'a'..='f')));
        assert!(["00", "01"].contains(&flags), "{trace}");
    }
    traces.sort_unstable();
    traces.dedup();
    assert_eq!(traces.len(), 41, "each visitor has a trace of its own");
}
