//! Folders of `terraform/` that have one half in common: it is the same text in both.
//!
//! Terraform has no way to share a resource's arguments between modules, and a file that is
//! linked into two of them is none on Windows and in an archive.

use std::collections::{BTreeMap, BTreeSet};

use crate::terraform::files;

const AUTOPILOT: &str = "modules/gke-autopilot";
const STANDARD: &str = "modules/gke-standard";

fn text<'a>(files: &'a BTreeMap<String, String>, folder: &str, name: &str) -> &'a str {
    &files[&format!("{folder}/{name}")]
}

/// The blocks of a file by their names, such as `variable "region"`.
fn blocks(text: &str) -> BTreeMap<&str, &str> {
    let mut found = BTreeMap::new();
    for block in text.split("\n}\n") {
        let Some(at) = block.find("variable \"").or_else(|| block.find("output \"")) else {
            continue;
        };
        let (name, body) = block[at..].split_once(" {\n").expect("a block opens");
        found.insert(name, body);
    }
    found
}

/// Blocks that both folders have and that differ.
fn differences(
    files: &BTreeMap<String, String>,
    one: &str,
    other: &str,
    name: &str,
) -> Vec<String> {
    let (one, other) = (blocks(text(files, one, name)), blocks(text(files, other, name)));
    assert!(one.len() > 3, "{name}: {} blocks", one.len());
    one.iter()
        .filter(|(name, body)| other.get(*name).is_some_and(|other| other != *body))
        .map(|(name, _)| (*name).to_owned())
        .collect()
}

/// Arguments of Autopilot's cluster that a Standard cluster has otherwise, or not at all.
const OF_AUTOPILOT: &[&str] = &[
    "enable_autopilot    = true",
    "enable_components = var.observability.metrics",
    "auto_provisioning_defaults {",
];

fn compare_clusters(files: &BTreeMap<String, String>) -> Vec<String> {
    let mut found = Vec::new();
    if text(files, AUTOPILOT, "nodes.tf") != text(files, STANDARD, "nodes.tf") {
        found.push("nodes.tf".to_owned());
    }
    // Metrics of a Standard cluster depend on managed collection, which Autopilot always has.
    let variables = differences(files, AUTOPILOT, STANDARD, "variables.tf");
    found.extend(variables.into_iter().filter(|name| name != "variable \"observability\""));
    found.extend(differences(files, AUTOPILOT, STANDARD, "outputs.tf"));
    found.extend(different_runs(files));
    let standard: BTreeSet<_> = text(files, STANDARD, "main.tf").lines().map(str::trim).collect();
    let lines = text(files, AUTOPILOT, "main.tf").lines().map(str::trim);
    let lines = lines.filter(|line| !line.starts_with('#') && !OF_AUTOPILOT.contains(line));
    found.extend(lines.filter(|line| !standard.contains(line)).map(str::to_owned));
    found
}

/// The tests of a folder by their names.
fn runs<'a>(files: &'a BTreeMap<String, String>, folder: &str) -> BTreeMap<&'a str, &'a str> {
    let name = folder.trim_start_matches("modules/").replace('-', "_");
    let text = text(files, folder, &format!("tests/{name}.tftest.hcl"));
    let runs = text.split("\n}\n").filter_map(|block| block.split_once("run \""));
    runs.map(|(_, run)| run.split_once("\" {\n").expect("a run opens")).collect()
}

/// Tests of both clusters that differ. A property of both is one test, by one name.
fn different_runs(files: &BTreeMap<String, String>) -> Vec<String> {
    let (one, other) = (runs(files, AUTOPILOT), runs(files, STANDARD));
    let both: Vec<_> = one.keys().filter(|name| other.contains_key(*name)).collect();
    assert!(both.len() > 25, "{} tests in common", both.len());
    both.into_iter()
        .filter(|name| one[*name] != other[*name])
        .map(|name| format!("run {name}"))
        .collect()
}

#[test]
fn the_common_half_of_both_clusters_is_the_same() {
    let mut files = files();
    assert_eq!(compare_clusters(&files), Vec::<String>::new());

    for (file, right, wrong) in [
        ("nodes.tf", "google_service_account", "google_service_accounts"),
        ("variables.tf", "at least four hours apart", "apart"),
        ("outputs.tf", "which IAM guards", "which guards"),
        ("main.tf", "enable_private_nodes", "enable_private_node"),
        ("tests/gke_standard.tftest.hcl", "networks are authorized that", "networks that"),
    ] {
        let name = format!("{STANDARD}/{file}");
        let before = files[&name].clone();
        assert!(before.contains(right), "{name} has {right}");
        files.insert(name.clone(), before.replace(right, wrong));
        assert!(!compare_clusters(&files).is_empty(), "{name}: {wrong}");
        files.insert(name, before);
    }
}

#[test]
fn environments_take_and_give_the_same() {
    let files = files();
    let (dev, prod) = ("environments/dev", "environments/prod");
    assert_eq!(text(&files, dev, "variables.tf"), text(&files, prod, "variables.tf"));
    assert_eq!(
        text(&files, dev, "versions.tf").replace("dev", "prod"),
        text(&files, prod, "versions.tf").replace("dev", "prod"),
    );
    assert_eq!(differences(&files, dev, prod, "outputs.tf"), Vec::<String>::new());
    let (dev, prod) = (text(&files, dev, "outputs.tf"), text(&files, prod, "outputs.tf"));
    let (dev, prod) = (blocks(dev), blocks(prod));
    let missing: Vec<_> = dev.keys().filter(|name| !prod.contains_key(*name)).collect();
    assert!(missing.is_empty(), "prod has no {missing:?}");
}

/// `region` is where compute is; `location` is where storage is, which may be a multi-region.
#[test]
fn variables_of_one_meaning_have_one_name() {
    let refused = [
        "protect",
        "force_destroy",
        "delete_protection",
        "project_name",
        "project_number",
        "gcp_project",
        "zone_id",
    ];
    for (name, text) in files() {
        if !name.ends_with("variables.tf") {
            continue;
        }
        let blocks = blocks(&text);
        for variable in blocks.keys() {
            let variable = variable.trim_start_matches("variable \"").trim_end_matches('"');
            assert!(!refused.contains(&variable), "{name}: {variable}");
        }
        let has = |variable: &str| blocks.contains_key(format!("variable \"{variable}\"").as_str());
        assert!(has("project") != has("project_id"), "{name}: the project, or its id");
        assert!(!(has("region") && has("location")), "{name}: one place");
    }
}
