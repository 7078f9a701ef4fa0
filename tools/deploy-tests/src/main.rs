//! What the tests of charts, image, workflows and clusters run: `cargo xtask
//! autopilot`, `charts` and `cluster`.
//!
//! * `autopilot`: what GKE Autopilot refuses or changes in manifests
//! * `charts`: third parties' charts, as charts/observability pins them
//! * `manifests`: files of manifests, checked for Autopilot
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool speaks there")]

mod autopilot;
mod charts;
mod manifests;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use shell::Workspace;

/// The checks of charts and manifests.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say what GKE Autopilot would refuse or change in rendered manifests
    Autopilot {
        /// Manifests, as `helm template` prints them; `-` is standard input
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Fail for what would be changed as well
        #[arg(long)]
        strict: bool,
    },
    /// Third parties' charts, as charts/observability pins them
    Charts {
        #[command(subcommand)]
        what: charts::Charts,
    },
    /// The local cluster, for the tests of this package: they run the binary that cargo has
    /// built with them
    #[command(hide = true)]
    Cluster {
        #[command(subcommand)]
        verb: local_cluster::Verb,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(err) => {
            eprintln!("error: {err:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    match command {
        Command::Autopilot { files, strict } => manifests::run(&workspace, &files, strict),
        Command::Charts { what } => charts::run(&workspace, what),
        Command::Cluster { verb } => local_cluster::run(&workspace, &verb),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
