//! The commands.

mod background;
pub(crate) mod bench;
pub(crate) mod docs;
pub(crate) mod lint;
pub(crate) mod other;
pub(crate) mod test;

use std::process::ExitCode;

use anyhow::Result;
use shell::Workspace;
use toolbox::{Cache, Installer};

use crate::steps::{Report, Runner, Step};

/// Runs the steps of a command that is no tier and prints its table.
fn run_steps(workspace: &Workspace, name: &str, all: Vec<Step>) -> Result<ExitCode> {
    let installer = Installer { cache: Cache::find()?, install: true, slow: false };
    let mut report = Report::default();
    let runner = Runner {
        workspace,
        installer: &installer,
        fail_fast: false,
        all: false,
        prefix: "",
        budget: None,
    };
    runner.run(name, all, &mut report);
    Ok(report.finish())
}
