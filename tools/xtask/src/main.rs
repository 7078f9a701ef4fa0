//! `cargo xtask`: the checks of this repository, the same for a person and for CI.
//!
//! Each command prints what it runs before it runs it, in a form that can be
//! pasted into a shell, and a failure repeats the command that reproduces it.
//!
//! * `cmd`: the commands
//! * `tiers`: which checks belong together, and what they need
//! * `steps`: one check, a list of them, and the table at the end
//! * `lint`: rules about this tree that no compiler knows
//!
//! The other tools are packages of their own beside this one, and `cmd::other`
//! starts them.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool speaks there")]

mod cli;
mod cmd;
mod lint;
mod steps;
mod tiers;

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
