//! Measures every variant and prints the costs and their ratios.
//!
//! `report [--quick] [--json FILE]`. See the crate's `README.md`.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use serde_json::{Value, json};
use sre_kit_benches::report::{Effort, Report};

const USAGE: &str = "usage: report [--quick] [--json FILE]\n\
    --quick      a few rounds, for a first look\n\
    --json FILE  writes every ratio with its peer and both raw figures";

fn main() -> ExitCode {
    let mut effort = Effort::FULL;
    let mut json = None;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match (arg.as_str(), &mut json) {
            ("--quick", _) => effort = Effort::QUICK,
            ("--full", _) => effort = Effort::FULL,
            ("--json", json) => match args.next() {
                Some(file) => *json = Some(PathBuf::from(file)),
                None => return refuse("--json needs a file"),
            },
            ("--help" | "-h", _) => {
                println!("{USAGE}");
                return ExitCode::SUCCESS;
            }
            (other, _) => return refuse(&format!("unknown argument {other}")),
        }
    }
    let Some(bins) = build(&["--bins"]) else {
        return refuse("the other binaries could not be built");
    };
    let mut report = Report::new(effort);
    report.allocations(allocations(&bins));
    report.instructions(&bins.join("counts"));
    // Builds the database benchmark separately, since its feature would change the other binaries.
    report.database(|| build(&["--features", "database", "--bin", "database"]));
    report.one_thread();
    report.two_threads();
    report.scrape();
    report.parts();
    let report = report.finish();
    print!("{}", report.text());
    match json.map(|file| std::fs::write(&file, report.json()).map_err(|err| (file, err))) {
        Some(Err((file, err))) => {
            refuse(&format!("{} could not be written: {err}", file.display()))
        }
        _ => ExitCode::SUCCESS,
    }
}

fn refuse(why: &str) -> ExitCode {
    eprintln!("{why}\n{USAGE}");
    ExitCode::from(2)
}

/// Builds other binaries of this package and returns their directory.
fn build(what: &[&str]) -> Option<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--release", "--package", env!("CARGO_PKG_NAME")])
        .args(what)
        .status();
    let here = std::env::current_exe().ok()?.parent()?.to_owned();
    status.is_ok_and(|status| status.success()).then_some(here)
}

fn allocations(bins: &std::path::Path) -> Value {
    Command::new(bins.join("allocations"))
        .output()
        .ok()
        .and_then(|output| serde_json::from_slice(&output.stdout).ok())
        .unwrap_or_else(|| json!({}))
}
