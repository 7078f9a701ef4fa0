//! The commands.

pub(crate) mod autopilot;
pub(crate) mod bench;
pub(crate) mod charts;
pub(crate) mod cluster;
pub(crate) mod docs;
pub(crate) mod lint;
pub(crate) mod test;
pub(crate) mod tools;

use std::process::ExitCode;

use anyhow::Result;

use crate::steps::{Report, Runner, Step};
use crate::tools::{Cache, Installer};
use crate::workspace::Workspace;

/// Runs the steps of a command that is no tier and prints its table.
fn run_steps(workspace: &Workspace, name: &str, all: Vec<Step>) -> Result<ExitCode> {
    let installer = Installer { cache: Cache::find()?, install: true, slow: false };
    let mut report = Report::default();
    let runner = Runner { workspace, installer: &installer, fail_fast: false, budget: None };
    runner.run(name, all, &mut report);
    Ok(report.finish())
}
