//! `cargo xtask cluster`: a Kubernetes on this machine.
#![allow(clippy::print_stderr, reason = "a command line tool speaks there")]

use std::process::ExitCode;

use clap::Parser;
use local_cluster::Verb;
use shell::Workspace;

/// A Kubernetes on this machine, for tests: one node, in a network of its own
#[derive(Debug, Parser)]
#[command(name = "cargo xtask cluster", bin_name = "cargo xtask cluster")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match Workspace::find().and_then(|workspace| local_cluster::run(&workspace, &cli.verb)) {
        Ok(code) => code,
        Err(err) => {
            eprintln!("error: {err:#}");
            ExitCode::FAILURE
        }
    }
}
