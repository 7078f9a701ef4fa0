//! `cargo xtask`: the one vocabulary of checks, the same for a person and for CI.
//!
//! Each command prints what it runs before it runs it, in a form that can be
//! pasted into a shell, and a failure repeats the command that reproduces it.
//!
//! * `shell`: commands that print themselves, and what test runners say
//! * `tools`: what a check needs from outside Rust, and how to get it
//! * `lint`: rules about this tree that no compiler knows
//! * `steps`: one check, a list of them, and the table at the end
//! * `tiers`: which checks belong together, and what they need
//! * `autopilot`: what GKE Autopilot refuses or changes in manifests
//! * `cluster`: a Kubernetes on this machine
//! * `cmd`: the commands
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool speaks there")]

mod autopilot;
mod cli;
mod cluster;
mod cmd;
mod lint;
mod shell;
mod steps;
mod tiers;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match cli::Cli::parse().run() {
        Ok(code) => code,
        Err(err) => {
            eprintln!("error: {err:#}");
            ExitCode::FAILURE
        }
    }
}
