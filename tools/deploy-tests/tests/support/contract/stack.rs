//! `charts/observability`: its releases and their values.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::root;

/// A line of `releases.lock`.
#[derive(Debug)]
pub(crate) struct Release {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) namespace: String,
    pub(crate) profiles: Vec<String>,
}

/// The folder.
pub(crate) fn stack() -> PathBuf {
    root().join("charts/observability")
}

/// The releases, in the order of the lock.
pub(crate) fn releases() -> Vec<Release> {
    let text = fs::read_to_string(stack().join("releases.lock")).expect("the lock");
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let releases = lines.map(|line| {
        let fields: Vec<_> = line.split(' ').map(str::to_owned).collect();
        let [name, _, version, _, namespace, profiles] = fields.try_into().expect("six fields");
        let profiles = profiles.split(',').map(str::to_owned).collect();
        Release { name, version, namespace, profiles }
    });
    releases.collect()
}

/// Names and texts of the values of a release.
pub(crate) fn values(release: &str) -> BTreeMap<String, String> {
    let entries = fs::read_dir(stack().join(release)).expect("a folder for each release");
    let files = entries.map(|entry| entry.expect("an entry").path());
    files
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        .map(|path| {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).expect("text"))
        })
        .collect()
}

/// One file of values.
pub(crate) fn parsed(release: &str, file: &str) -> Value {
    let text = &values(release)[file];
    serde_yaml_ng::from_str(text).unwrap_or_else(|error| panic!("{release}/{file}: {error}"))
}

/// SHA-256 over the values of a release.
pub(crate) fn digest(release: &str) -> String {
    let mut all = String::new();
    for (name, text) in values(release) {
        all.push_str(&name);
        all.push('\n');
        all.push_str(&text);
    }
    let mut child = Command::new("sha256sum")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("sha256sum runs");
    child.stdin.take().expect("piped").write_all(all.as_bytes()).expect("written");
    let said = child.wait_with_output().expect("it ends").stdout;
    String::from_utf8_lossy(&said[..64]).into_owned()
}

/// Paths that values set to null.
pub(crate) fn nulls(release: &str) -> Vec<String> {
    fn walk(value: &Value, at: &str, found: &mut Vec<String>) {
        for (key, value) in value.as_object().into_iter().flatten() {
            let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
            if value.is_null() {
                found.push(path.clone());
            }
            walk(value, &path, found);
        }
    }
    let mut found = Vec::new();
    for file in values(release).keys() {
        walk(&parsed(release, file), "", &mut found);
    }
    found.sort();
    found.dedup();
    found
}
