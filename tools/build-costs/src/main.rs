//! Measures what each feature of sre-kit adds to a build, in packages and in processor seconds,
//! and what a service with axum pays for its metrics, beside two peers.
//!
//! Each case is a package of its own, which is built from nothing in a folder of its own with the
//! versions of this workspace. `cargo xtask bench --builds` starts it. It takes about half an hour
//! on two cores.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool speaks there")]

mod cases;
mod measure;
mod table;

use std::process::ExitCode;

use anyhow::{Context, Result};
use shell::Workspace;

use crate::cases::{Case, all};
use crate::measure::{Cost, measure};

const USAGE: &str = "usage: cargo xtask bench --builds [-- NAME...]\n\nNames: ";

fn main() -> ExitCode {
    match run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("error: {err:#}");
            ExitCode::FAILURE
        }
    }
}

/// Measures the cases of these names, or all of them, and prints the tables.
fn run(names: &[String]) -> Result<()> {
    let workspace = Workspace::find()?;
    let cases = chosen(&all(), names)?;
    let mut costs: Vec<(Case, Cost)> = Vec::new();
    for (at, case) in cases.iter().enumerate() {
        println!("=== {} (build {} of {})", case.name, at + 1, cases.len());
        let cost = measure(&workspace, case).with_context(|| case.name.to_owned())?;
        println!("{} packages, {:.0} processor seconds", cost.packages, cost.seconds);
        costs.push((*case, cost));
    }
    print!("\n{}", table::render(&costs));
    Ok(())
}

/// Returns the cases of these names and those that they are compared with.
fn chosen(all: &[Case], names: &[String]) -> Result<Vec<Case>> {
    for name in names {
        let known = all.iter().any(|case| case.name == name);
        let list = || all.iter().map(|case| case.name).collect::<Vec<_>>().join(", ");
        anyhow::ensure!(known, "there is no build named {name:?}\n{USAGE}{}", list());
    }
    let wanted = |case: &Case| {
        let named = |name: &str| names.iter().any(|wanted| wanted == name);
        let is_base = |other: &Case| named(other.name) && other.over == Some(case.name);
        names.is_empty() || named(case.name) || all.iter().any(is_base)
    };
    Ok(all.iter().filter(|case| wanted(case)).copied().collect())
}

#[cfg(test)]
mod tests {
    use super::{all, chosen};

    fn names(wanted: &[&str]) -> Result<Vec<&'static str>, String> {
        let wanted: Vec<_> = wanted.iter().map(ToString::to_string).collect();
        let cases = chosen(&all(), &wanted).map_err(|err| err.to_string())?;
        Ok(cases.into_iter().map(|case| case.name).collect())
    }

    #[test]
    fn a_case_is_measured_with_the_one_that_it_is_compared_with() {
        assert_eq!(names(&["render"]), Ok(vec!["default features", "render"]));
        assert_eq!(names(&[]).expect("all").len(), all().len());
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_names_that_exist() {
        let refused = names(&["rendr"]).unwrap_err();
        assert!(refused.contains("\"rendr\"") && refused.contains("render"), "{refused}");
    }
}
