//! The chart's values: documented, and all of them known to its schema.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

const MARKER: &str = "<!-- Written from values.yaml; do not edit below. -->\n";

fn chart() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../charts/demo-app")
}

fn read(name: &str) -> String {
    fs::read_to_string(chart().join(name)).expect("text")
}

fn values() -> Value {
    serde_yaml_ng::from_str(&read("values.yaml")).expect("YAML")
}

/// Keys with the comment `# -- ` above them, in the order of the file.
fn documented() -> Vec<(String, String)> {
    let text = read("values.yaml");
    let mut path: Vec<String> = Vec::new();
    let mut comment = None;
    let mut all = Vec::new();
    for line in text.lines() {
        let trimmed = line.trim_start();
        if let Some(said) = trimmed.strip_prefix("# -- ") {
            comment = Some(said.to_owned());
            continue;
        }
        let depth = (line.len() - trimmed.len()) / 2;
        if let Some((key, _)) = trimmed.split_once(':')
            && key.chars().all(char::is_alphanumeric)
            && depth <= path.len()
        {
            path.truncate(depth);
            path.push(key.to_owned());
            if let Some(said) = comment.take() {
                all.push((path.join("."), said));
            }
        }
    }
    all
}

fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(value, |value, key| &value[key])
}

#[test]
fn the_readme_has_every_value() {
    let values = values();
    let mut table = "\n| Key | Default | Meaning |\n|---|---|---|\n".to_owned();
    for (key, said) in documented() {
        let default = match at(&values, &key) {
            Value::Object(map) if !map.is_empty() => "see `values.yaml`".to_owned(),
            value => format!("`{value}`"),
        };
        writeln!(table, "| `{key}` | {default} | {} |", said.replace('|', "\\|")).expect("text");
    }
    let readme = read("README.md");
    let (text, written) = readme.split_once(MARKER).expect("the marker");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(chart().join("README.md"), format!("{text}{MARKER}{table}")).expect("written");
        return;
    }
    assert!(
        written == table,
        "README.md is stale; UPDATE_GOLDEN=1 cargo test -p deploy-tests --test rust chart_docs"
    );
}

#[test]
fn every_value_is_documented_or_has_documented_parts() {
    let documented: Vec<_> = documented().into_iter().map(|(key, _)| key).collect();
    let mut missing = Vec::new();
    undocumented(&values(), "", &documented, &mut missing);
    // Said once for all three of them.
    missing.retain(|key| !key.starts_with("probes."));
    assert!(missing.is_empty(), "{missing:?}");
}

fn undocumented(value: &Value, at: &str, documented: &[String], missing: &mut Vec<String>) {
    for (key, value) in value.as_object().into_iter().flatten() {
        let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
        if documented.contains(&path) {
            continue;
        }
        if value.as_object().is_some_and(|map| !map.is_empty()) {
            undocumented(value, &path, documented, missing);
        } else {
            missing.push(path);
        }
    }
}

#[test]
fn the_schema_knows_every_value_and_no_other() {
    let schema: Value = serde_json::from_str(&read("values.schema.json")).expect("JSON");
    let mut values = values();
    // Helm's own.
    values["global"] = Value::Object(serde_json::Map::new());
    same_keys(&schema, &values, "");
}

fn same_keys(schema: &Value, value: &Value, at: &str) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    assert_eq!(schema["additionalProperties"], false, "{at} takes any key");
    let map = value.as_object().expect("a map, as the schema says");
    for key in map.keys() {
        assert!(properties.contains_key(key), "the schema has no {at}.{key}");
    }
    // What is given by the default, or is one of several ways to say it.
    let free = ["resources", "behavior"].iter().any(|part| at.contains(part));
    for (key, schema) in properties {
        assert!(free || map.contains_key(key), "values.yaml has no {at}.{key}");
        if let Some(value) = map.get(key) {
            same_keys(schema, value, &format!("{at}.{key}"));
        }
    }
}

#[test]
fn one_sentence_says_what_each_broken_rule_is() {
    let text = read("templates/_invariants.tpl");
    let rules: Vec<_> = text.lines().filter(|line| line.contains("{{- fail ")).collect();
    assert!(!rules.is_empty());
    let tests = read("tests/invariants_test.yaml").matches("failedTemplate").count();
    assert!(tests >= rules.len(), "{} rules, {tests} tests that break one", rules.len());
    for rule in rules {
        let sentence = rule.contains(", but ") || rule.contains(" takes %d s to notice ");
        assert!(sentence && rule.contains("; "), "{rule}");
    }
}
