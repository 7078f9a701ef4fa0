//! Starts a PostgreSQL server and measures the paths to it.
//!
//! `database [--quick] [--json FILE]`. See the crate's `README.md`.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::path::PathBuf;
use std::process::ExitCode;

use sre_kit_benches::database::{Effort, measure};

const USAGE: &str = "usage: database [--quick] [--json FILE]\n\
    --quick      a few rounds, for a first look\n\
    --json FILE  writes every ratio with its peer and all raw figures";

fn main() -> ExitCode {
    let mut effort = Effort::FULL;
    let mut json = None;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--quick" => effort = Effort::QUICK,
            "--full" => effort = Effort::FULL,
            "--json" => match args.next() {
                Some(file) => json = Some(PathBuf::from(file)),
                None => return refuse(&format!("--json needs a file\n{USAGE}")),
            },
            "--help" | "-h" => {
                println!("{USAGE}");
                return ExitCode::SUCCESS;
            }
            other => return refuse(&format!("unknown argument {other}\n{USAGE}")),
        }
    }
    let measured = match measure(effort) {
        Ok(measured) => measured,
        Err(error) => return refuse(&format!("the database could not be measured: {error}")),
    };
    print!("{}", measured.text());
    if let Some(file) = json
        && let Err(error) = std::fs::write(&file, format!("{:#}\n", measured.json()))
    {
        return refuse(&format!("{} could not be written: {error}", file.display()));
    }
    ExitCode::SUCCESS
}

fn refuse(why: &str) -> ExitCode {
    eprintln!("{why}");
    ExitCode::from(2)
}
