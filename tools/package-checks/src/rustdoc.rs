//! The documentation of a package as JSON.

use std::fs;

use anyhow::{Context, Result};
use serde_json::Value;
use shell::{Cmd, Member, Workspace};

/// Writes and reads the documentation of a package. cargo writes it again only after a change.
pub(crate) fn read(workspace: &Workspace, member: &Member) -> Result<Value> {
    command(member).dir(workspace.root()).must_run()?;
    let path = workspace.target_directory()?.join("doc").join(member.crate_name() + ".json");
    let text = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("reading {}", path.display()))
}

/// Returns the command that writes the documentation as JSON. rustdoc needs a variable for
/// that, which a script sets for rustdoc alone: if cargo had it, every build script that asks
/// for it would run again.
fn command(member: &Member) -> Cmd {
    Cmd::cargo("rustdoc --quiet --lib --all-features --package")
        .arg(&member.name)
        .args(["--", "-Z", "unstable-options", "--output-format", "json"])
        .env("RUSTDOC", "tools/package-checks/rustdoc-json.sh")
}
