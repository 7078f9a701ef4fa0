//! What the tests of Terraform share: a copy of the tree to run in, and the programs.

pub(crate) mod condition;
pub(crate) mod engine;
pub(crate) mod plan;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::deploy::root;

/// A copy of `terraform/`, since every run leaves something behind.
#[derive(Debug)]
pub(crate) struct Tree {
    dir: TempDir,
}

impl Tree {
    pub(crate) fn new() -> Self {
        // Not the name that is hidden by default: checkov passes over such directories.
        let dir = tempfile::Builder::new().prefix("terraform-").tempdir().expect("a directory");
        let tree = Self { dir };
        for (name, text) in files() {
            tree.write(&name, &text);
        }
        if engine::terraform_is_opentofu() {
            engine::write_for_opentofu(&tree);
        }
        tree
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("has a parent")).expect("made");
        fs::write(path, text).expect("written");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Puts something else in the place of what is right.
    #[track_caller]
    pub(crate) fn change(&self, name: &str, right: &str, wrong: &str) {
        let text = self.read(name);
        assert!(text.contains(right), "{name} has {right}");
        self.write(name, &text.replacen(right, wrong, 1));
    }
}

/// Names and texts of all files in `terraform/`, but for what runs have left there.
pub(crate) fn files() -> BTreeMap<String, String> {
    fn walk(dir: &Path, base: &Path, found: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(dir).expect("a directory") {
            let path = entry.expect("read").path();
            let left_behind = path.file_name().is_some_and(|name| name == ".terraform")
                || path.extension().is_some_and(|end| end == "tfstate" || end == "tfvars");
            if left_behind {
                continue;
            }
            if path.is_dir() {
                walk(&path, base, found);
            } else {
                let name = path.strip_prefix(base).expect("below").display().to_string();
                found.insert(name, fs::read_to_string(&path).expect("text"));
            }
        }
    }
    let base = root().join("terraform");
    let mut found = BTreeMap::new();
    walk(&base, &base, &mut found);
    found
}

/// The folders that can be planned by themselves: bootstrap, modules, environments.
pub(crate) fn roots() -> Vec<String> {
    let found: Vec<_> = files()
        .keys()
        .filter_map(|name| Some(name.strip_suffix("/versions.tf")?.to_owned()))
        .collect();
    assert!(found.len() >= 12, "{found:?}");
    found
}

/// The modules and the bootstrap, which have an example in their README.
pub(crate) fn documented() -> Vec<String> {
    roots().into_iter().filter(|root| !root.starts_with("environments/")).collect()
}

/// The environments.
pub(crate) fn environments() -> Vec<String> {
    roots().into_iter().filter(|root| root.starts_with("environments/")).collect()
}

/// Every block of Terraform in a folder's README.
pub(crate) fn examples(tree: &Tree, root: &str) -> Vec<String> {
    let readme = tree.read(&format!("{root}/README.md"));
    let blocks = readme.split("```hcl\n").skip(1);
    blocks.map(|rest| rest.split_once("```").expect("the block ends").0.to_owned()).collect()
}

/// The first block of Terraform in a folder's README.
pub(crate) fn example(tree: &Tree, root: &str) -> String {
    let readme = tree.read(&format!("{root}/README.md"));
    let (_, rest) = readme.split_once("```hcl\n").unwrap_or_else(|| panic!("{root}: no example"));
    rest.split_once("```").expect("the block ends").0.to_owned()
}
