//! The workspace: its root, its files and its members.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::Cmd;

/// The workspace that the command was started in.
#[derive(Clone, Debug)]
pub struct Workspace {
    root: PathBuf,
    started_in: PathBuf,
}

/// A member: what the checks need to know of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// The package's name.
    pub name: String,
    /// Its features, without `default`.
    pub features: Vec<String>,
    /// Its `rust-version`.
    pub rust_version: Option<String>,
    /// Whether `cargo publish` may publish it.
    pub published: bool,
    /// The root file of its library.
    pub library: Option<PathBuf>,
    /// What its `[package.metadata]` holds.
    pub metadata: Value,
}

impl Member {
    /// Returns the name of its library in Rust.
    pub fn crate_name(&self) -> String {
        self.name.replace('-', "_")
    }
}

impl Workspace {
    /// Finds the root above the current directory and makes it the current one,
    /// so that every printed command is a command for the root.
    pub fn find() -> Result<Self> {
        let here = env::current_dir()?;
        let Some(root) = here.ancestors().find(|dir| dir.join("tools/xtask/Cargo.toml").is_file())
        else {
            bail!("{} is not in a clone of sre-kit; change into one first", here.display());
        };
        if root != here {
            println!("$ cd {}", root.display());
            env::set_current_dir(root)?;
        }
        Ok(Self { root: root.to_owned(), started_in: here.clone() })
    }

    /// Creates a workspace in another directory, for a test.
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned(), started_in: root.to_owned() }
    }

    /// Sets the directory that the user started the command in, for a test.
    #[must_use]
    pub fn started_from(mut self, dir: &Path) -> Self {
        dir.clone_into(&mut self.started_in);
        self
    }

    /// Returns the directory with the workspace's `Cargo.toml`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the directory that the user started the command in. A relative path on the
    /// command line starts there.
    pub fn started_in(&self) -> &Path {
        &self.started_in
    }

    /// Lists every file that git tracks or would add, relative to the root, sorted.
    pub fn files(&self) -> Result<Vec<PathBuf>> {
        let listed = Cmd::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .dir(&self.root)
            .read()
            .context("the list of files comes from git")?;
        let mut files: Vec<_> = listed
            .split('\0')
            .filter(|name| !name.is_empty())
            .map(PathBuf::from)
            // A file that was deleted but not committed is listed too.
            .filter(|path| self.root.join(path).is_file())
            .collect();
        files.sort();
        files.dedup();
        Ok(files)
    }

    /// Lists the files whose names end in `.ext`.
    pub fn files_with(&self, ext: &str) -> Result<Vec<PathBuf>> {
        let mut files = self.files()?;
        files.retain(|path| path.extension().is_some_and(|e| e == ext));
        Ok(files)
    }

    /// Reads a file. Returns `None` if it is not text.
    pub fn text(&self, path: &Path) -> Result<Option<String>> {
        let bytes = fs::read(self.root.join(path))
            .with_context(|| format!("reading {}", path.display()))?;
        Ok(String::from_utf8(bytes).ok())
    }

    /// Returns the directory that cargo builds in.
    pub fn target_directory(&self) -> Result<PathBuf> {
        let directory = &self.metadata()?["target_directory"];
        Ok(directory.as_str().context("cargo metadata names the target directory")?.into())
    }

    /// Returns the members that are published, of which there must be one.
    pub fn published(&self) -> Result<Vec<Member>> {
        let mut members = self.members()?;
        members.retain(|member| member.published);
        if members.is_empty() {
            bail!("no member is published; publish = true in its Cargo.toml says that one is");
        }
        Ok(members)
    }

    /// Returns the members, as `cargo metadata` lists them.
    pub fn members(&self) -> Result<Vec<Member>> {
        members(&self.metadata()?)
    }

    fn metadata(&self) -> Result<Value> {
        let json = Cmd::cargo("metadata --format-version 1 --no-deps").dir(&self.root).read()?;
        Ok(serde_json::from_str(&json)?)
    }
}

fn members(metadata: &Value) -> Result<Vec<Member>> {
    let packages = metadata["packages"].as_array().context("cargo metadata lists packages")?;
    let member = |package: &Value| {
        let mut features: Vec<_> =
            package["features"].as_object().into_iter().flat_map(|f| f.keys().cloned()).collect();
        features.retain(|feature| feature != "default");
        features.sort();
        Member {
            name: package["name"].as_str().unwrap_or_default().to_owned(),
            features,
            rust_version: package["rust_version"].as_str().map(str::to_owned),
            // Without `publish` it is null; `false` is an empty list of registries.
            published: package["publish"].as_array().is_none_or(|to| !to.is_empty()),
            library: library(package).map(PathBuf::from),
            metadata: package["metadata"].clone(),
        }
    };
    Ok(packages.iter().map(member).collect())
}

fn library(package: &Value) -> Option<&str> {
    let targets = package["targets"].as_array()?;
    let is_library = |target: &&Value| target["kind"][0].as_str() == Some("lib");
    targets.iter().find(is_library)?["src_path"].as_str()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::members;

    #[test]
    fn reads_the_features_of_a_member_without_default() {
        let metadata = json!({"packages": [
            {"name": "a", "features": {"tonic": [], "default": [], "axum": []}, "rust_version": "1.95"},
            {"name": "b", "features": {}, "rust_version": null, "publish": [], "targets": [
                {"kind": ["test"], "src_path": "/b/tests/t.rs"},
                {"kind": ["lib"], "src_path": "/b/src/lib.rs"},
            ]},
        ]});
        let all = members(&metadata).expect("well formed");
        assert_eq!(all[0].features, ["axum", "tonic"]);
        assert_eq!(all[0].rust_version.as_deref(), Some("1.95"));
        assert_eq!((all[1].name.as_str(), all[1].rust_version.as_deref()), ("b", None));
        assert!(all[0].published && !all[1].published);
        assert_eq!((&all[0].library, &all[1].library), (&None, &Some("/b/src/lib.rs".into())));
    }
}
