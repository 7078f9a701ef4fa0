//! Versions that are written down by hand: something proposes the next one.

use std::collections::BTreeSet;
use std::fs;

use regex::Regex;
use serde_json::Value;

use crate::contract::root;

/// One pattern of `.github/renovate.json`.
struct Manager {
    files: String,
    pattern: Regex,
    replacement: Option<String>,
}

fn managers() -> Vec<Manager> {
    let text = fs::read_to_string(root().join(".github/renovate.json")).expect("text");
    let config: Value = serde_json::from_str(&text).expect("JSON");
    let managers = config["customManagers"].as_array().expect("a list").iter();
    managers
        .map(|manager| {
            let [pattern] = manager["matchStrings"].as_array().expect("a list").as_slice() else {
                panic!("one pattern each: {manager}")
            };
            Manager {
                files: manager["managerFilePatterns"][0].as_str().expect("text").to_owned(),
                pattern: Regex::new(pattern.as_str().expect("text")).expect("a pattern"),
                replacement: manager["autoReplaceStringTemplate"].as_str().map(str::to_owned),
            }
        })
        .collect()
}

impl Manager {
    fn reads(&self, file: &str) -> bool {
        match self.files.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) {
            Some(pattern) => Regex::new(pattern).expect("a pattern").is_match(file),
            None => self.files == file,
        }
    }
}

#[test]
fn every_chart_of_the_lock_is_followed_and_loses_its_digest_with_its_version() {
    let file = "charts/observability/releases.lock";
    let lock = fs::read_to_string(root().join(file)).expect("text");
    let managers: Vec<_> = managers().into_iter().filter(|manager| manager.reads(file)).collect();
    let mut followed = 0;
    for line in lock.lines().filter(|line| !line.starts_with('#')) {
        let found: Vec<_> = managers
            .iter()
            .filter_map(|manager| Some((manager, manager.pattern.captures(line)?)))
            .collect();
        let [(manager, captures)] = found.as_slice() else {
            panic!("{} patterns find {line}", found.len())
        };
        let fields: Vec<_> = line.split(' ').collect();
        assert_eq!(&captures["currentValue"], fields[2], "{line}");
        let replaced = manager
            .replacement
            .as_ref()
            .expect("the digest is of the old archive")
            .replace("{{{depName}}}", &captures["depName"])
            .replace("{{{packageName}}}", &captures["packageName"])
            .replace("{{{newValue}}}", "99.8.7");
        let new = line.replace(&captures[0], &replaced);
        let expected = line.replace(fields[2], "99.8.7").replace(fields[3], "-");
        assert_eq!(new, expected);
        followed += 1;
    }
    assert!(followed > 8, "{followed} charts");
}

#[test]
fn every_tool_that_a_workflow_installs_by_version_is_followed_and_is_one_version() {
    let version = Regex::new(r"(?:@|[a-z0-9]+[-_]version: )v?[0-9]+\.[0-9]+\.[0-9]+").expect("it");
    let managers = managers();
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(root().join(".github/workflows")).expect("workflows") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy();
        let file = format!(".github/workflows/{name}");
        for line in fs::read_to_string(&path).expect("text").lines() {
            if !version.is_match(line) || line.trim_start().starts_with('#') {
                continue;
            }
            let by = managers.iter().filter(|manager| manager.reads(&file));
            let captures: Vec<_> = by.filter_map(|m| m.pattern.captures(line)).collect();
            let [captures] = captures.as_slice() else {
                panic!("{file}: {} patterns find {line}", captures.len())
            };
            found.insert(captures[0].to_owned());
        }
    }
    // cargo-deny, cargo-semver-checks, Helm, k6 and Terraform, each at one version in all.
    assert_eq!(found.len(), 5, "{found:?}");
    let catalogue = fs::read_to_string(root().join("tools/toolbox/src/tools.rs"));
    let catalogue = catalogue.expect("text");
    let helm = found.iter().find_map(|pin| pin.strip_prefix("helm.sh/helm/v4/cmd/helm@"));
    let helm = helm.expect("helm is installed");
    let tested = format!("\"helm.sh/helm/v4/cmd/helm\", \"{helm}\"");
    assert!(catalogue.contains(&tested), "the tests do not run {helm}");
}
