//! Tests of `demo-app generate`: complete output, and detection of stale files.

use std::fs;

use crate::support::run;

fn generate(args: &[&str]) -> (Option<i32>, String) {
    run(&[&["generate"], args].concat())
}

#[test]
fn a_tree_is_written_and_is_what_the_check_wants() {
    let directory = tempfile::tempdir().expect("a directory");
    let dir = directory.path().join("generated");
    let dir = dir.to_str().expect("text");
    assert_eq!(generate(&["--out", dir, "--runbooks", "https://runbooks.example.com"]).0, Some(0));
    let check = ["--check", dir, "--runbooks", "https://runbooks.example.com"];
    assert_eq!(generate(&check).0, Some(0));
    let rules = fs::read_to_string(format!("{dir}/prometheus/availability.rules.yaml"));
    let rules = rules.expect("the rules of the first SLO");
    assert!(rules.contains("https://runbooks.example.com/availability/"), "{rules}");

    fs::write(format!("{dir}/prometheus/availability.rules.yaml"), rules.replace("14.4", "1.44"))
        .expect("written");
    assert_eq!(generate(&check).0, Some(4), "a number that somebody changed by hand");
}

#[test]
fn a_scope_is_in_every_rule_and_its_tests() {
    let directory = tempfile::tempdir().expect("a directory");
    let dir = directory.path().to_str().expect("text");
    assert_eq!(generate(&["--out", dir, "--scope", "namespace=shop"]).0, Some(0));
    for file in ["availability.rules.yaml", "availability.test.yaml"] {
        let text = fs::read_to_string(format!("{dir}/prometheus/{file}")).expect("generated");
        assert!(text.contains("namespace=\"shop\""), "{file}: {text}");
    }
    let (code, said) = generate(&["--out", dir, "--scope", "shop"]);
    assert_eq!(code, Some(2), "{said}");
}

#[test]
fn neither_out_nor_check_is_a_mistake() {
    let (code, said) = generate(&[]);
    assert_eq!(code, Some(2));
    assert!(said.contains("--out") && said.contains("--check"), "{said}");
}

#[test]
fn a_compression_that_leaves_no_window_is_told() {
    let directory = tempfile::tempdir().expect("a directory");
    let dir = directory.path().to_str().expect("text");
    let (code, said) = generate(&["--out", dir, "--compressed", "0"]);
    assert_eq!(code, Some(2), "{said}");
}

#[test]
fn alerts_link_to_grafana_and_go_where_the_options_say() {
    let directory = tempfile::tempdir().expect("a directory");
    let dir = directory.path().to_str().expect("text");
    let args = ["--out", dir, "--grafana", "https://grafana.example.com", "--other-alerts"];
    let heartbeat = ["--heartbeat-url", "https://heartbeat.example.com/hook"];
    assert_eq!(generate(&[&args[..], &heartbeat].concat()).0, Some(0));
    let read = |file: &str| fs::read_to_string(format!("{dir}/{file}")).expect("generated");
    let rules = read("prometheus/availability.rules.yaml");
    assert!(rules.contains("https://grafana.example.com/d/slo-demo-app?var-slo="), "{rules}");
    assert!(!rules.contains("runbook_url"), "without an address there is no link: {rules}");
    let alertmanager = read("alertmanager/alertmanager.yaml");
    for part in ["https://heartbeat.example.com/hook", "Watchdog", "severity=\"critical\""] {
        assert!(alertmanager.contains(part), "{part}: {alertmanager}");
    }
    let (code, said) = generate(&["--out", dir, "--grafana", "grafana:3000"]);
    assert_eq!(code, Some(2), "{said}");
}

/// What `charts/demo-app/files` is generated with. The chart replaces the addresses that its values
/// name, and leaves out the links of those that it does not know.
const CHART: [&str; 9] = [
    "--scope",
    "namespace=RELEASE-NAMESPACE",
    "--runbooks",
    "https://github.com/sre-kit/sre-kit/blob/main/charts/demo-app/files/runbooks",
    "--grafana",
    "https://grafana.invalid",
    "--heartbeat-url",
    "http://heartbeat-receiver.invalid/",
    "--other-alerts",
];

#[test]
fn the_chart_has_what_the_definition_gives() {
    let files = concat!(env!("CARGO_MANIFEST_DIR"), "/../charts/demo-app/files");
    let (code, said) = generate(&[&["--check", files], &CHART[..]].concat());
    let again = CHART.join(" ");
    assert_eq!(
        code,
        Some(0),
        "{said}\ngenerate again: cargo run -p demo-app -- generate --out charts/demo-app/files {again}"
    );
    let runbooks = CHART[3].split_once("/main/").expect("a page of the repository").1;
    let page = format!("../{runbooks}/availability/error-budget-burn.md");
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    assert!(page.is_file(), "the links lead to pages of the repository: {}", page.display());
}
