//! Facts of other projects' charts: what they render, with the values in `charts/observability`.

pub(crate) mod facts;
pub(crate) mod stack;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use facts::Facts;

/// The workspace: the first folder above that has the charts.
pub(crate) fn root() -> PathBuf {
    let mut dir = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    while !dir.join("charts/setup_cluster.sh").is_file() {
        assert!(dir.pop(), "no folder above has charts/setup_cluster.sh");
    }
    dir
}

/// `charts/observability/contracts.yaml`.
pub(crate) fn path() -> PathBuf {
    root().join("charts/observability/contracts.yaml")
}

/// What one release is and renders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Contract {
    /// Version of the chart.
    pub(crate) version: String,
    /// SHA-256 of the values that it was rendered with.
    pub(crate) values: String,
    /// What the chart has where values set null.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) nulls: BTreeMap<String, String>,
    /// What is rendered; profiles that render the same facts share an entry.
    pub(crate) renders: Vec<Render>,
}

/// The facts of some profiles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Render {
    pub(crate) profiles: Vec<String>,
    #[serde(flatten)]
    pub(crate) facts: Facts,
}

/// The committed contracts, by release.
pub(crate) fn read() -> BTreeMap<String, Contract> {
    let text = fs::read_to_string(path()).expect("charts/observability/contracts.yaml");
    serde_yaml_ng::from_str(&text).expect("contracts")
}

/// The facts of every release of one profile.
pub(crate) fn of_profile(profile: &str) -> BTreeMap<String, Facts> {
    let mut found = BTreeMap::new();
    for (release, contract) in read() {
        for render in contract.renders {
            if render.profiles.iter().any(|name| name == profile) {
                found.insert(release.clone(), render.facts);
            }
        }
    }
    found
}
