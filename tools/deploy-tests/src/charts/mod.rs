//! `cargo xtask charts`: third parties' charts, where the network allows.

mod keys;
mod lock;
mod pull;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use shell::Workspace;

/// What to do with the charts.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Charts {
    /// Pull each chart, verify its digest and the keys of our values, render every profile
    /// and check it for Autopilot
    Pull {
        /// Write digests that are not known yet, `-`, into the lock, and the keys that were found
        #[arg(long)]
        write: bool,
        /// This release and no other; may be given more than once
        #[arg(long, value_name = "RELEASE")]
        only: Vec<String>,
    },
}

/// Does what the command line says.
pub(crate) fn run(workspace: &Workspace, what: Charts) -> Result<ExitCode> {
    match what {
        Charts::Pull { write, only } => pull::run(workspace, write, &only),
    }
}
