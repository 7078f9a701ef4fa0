//! Programs from crates.

use std::fs;
use std::path::Path;

use anyhow::Result;
use shell::Cmd;

/// Installs a crate's programs below `root`.
pub(super) fn build(root: &Path, name: &str, version: &str) -> Result<()> {
    let target = root.join("target");
    let built = Cmd::cargo("install --locked")
        .arg(format!("{name}@{version}"))
        .args(["--root".to_owned(), root.display().to_string()])
        .args(["--target-dir".to_owned(), target.display().to_string()])
        .must_run();
    // Hundreds of megabytes that nobody reads again.
    let _ = fs::remove_dir_all(&target);
    built
}
