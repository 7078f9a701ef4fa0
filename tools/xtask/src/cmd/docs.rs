//! `cargo xtask docs`: the documentation, its examples and its links.

use std::process::ExitCode;

use anyhow::Result;
use shell::Workspace;

use crate::tiers;

/// Builds and checks the documentation.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    let code = super::run_steps(workspace, "docs", tiers::docs_steps())?;
    println!("\nRead it at target/doc/sre_kit/index.html");
    println!("The guide begins at target/doc/sre_kit/manual/index.html");
    Ok(code)
}
