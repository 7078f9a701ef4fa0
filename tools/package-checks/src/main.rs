//! What a user gets of each published package.
//!
//! Each check is a function from the workspace to findings: what is wrong, and what to do.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool speaks there")]

mod docs_rs;
mod external_types;
mod rustdoc;
mod size;
mod tarball;
mod unique_names;

use std::process::ExitCode;

use anyhow::Result;
use shell::Workspace;

type Check = fn(&Workspace) -> Result<Vec<String>>;

/// The checks, the quick ones first.
const CHECKS: &[(&str, Check)] = &[
    ("settings for docs.rs", docs_rs::check),
    ("README and licences", tarball::check),
    ("number of packages", size::check),
    ("crates in the public API", external_types::check),
    ("names in the public API", unique_names::check),
];

fn main() -> ExitCode {
    match Workspace::find() {
        Ok(workspace) => run(&workspace),
        Err(err) => {
            eprintln!("error: {err:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs all of them, so that one run shows everything that is wrong.
fn run(workspace: &Workspace) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for (name, check) in CHECKS {
        let findings = check(workspace).unwrap_or_else(|err| vec![format!("{err:#}")]);
        println!("{name}: {}", if findings.is_empty() { "fine" } else { "broken" });
        for finding in &findings {
            println!("  {finding}");
            code = ExitCode::FAILURE;
        }
    }
    code
}
