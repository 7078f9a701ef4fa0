//! `cargo xtask lint`: format, structure, clippy, dependencies.

use std::process::ExitCode;

use anyhow::Result;
use shell::Workspace;

use crate::tiers;

/// Runs every lint.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    super::run_steps(workspace, "lint", tiers::lint_steps(workspace)?)
}
