//! The SLOs: what the counters, the rules, the dashboards and the load-test thresholds come from.

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use sre_kit::ConfigError;
use sre_kit::slo::render::{Options, Rendered, render};
use sre_kit::slo::{Slo, Slos};

/// The folder of the generated files. The chart installs the rules in it.
const FOLDER: &str = "chart/files";

/// Returns the SLOs. Run `cargo run -- generate` after a change.
pub fn all() -> Result<Vec<Slo>, ConfigError> {
    Ok(vec![
        Slo::availability("availability", OBJECTIVE.parse()?)
            .description("Requests are answered without a fault of the server.")
            .owner(env!("CARGO_PKG_NAME")),
    ])
}

/// The percentage of the requests that has to succeed.
const OBJECTIVE: &str = "{{objective}}";

fn rendered() -> Result<Rendered, ConfigError> {
    render(&Slos::new(env!("CARGO_PKG_NAME"), all()?)?, &Options::new())
}

/// Writes the generated files.
pub fn write() -> Result<ExitCode, Box<dyn Error>> {
    let files = rendered()?;
    files.write(Path::new(FOLDER))?;
    println!("Wrote {} files to {FOLDER}", files.files().count());
    Ok(ExitCode::SUCCESS)
}

/// Compares the generated files with the SLOs.
pub fn check() -> Result<ExitCode, Box<dyn Error>> {
    let drift = rendered()?.check(Path::new(FOLDER))?;
    if drift.is_empty() {
        println!("{FOLDER} is up to date");
        return Ok(ExitCode::SUCCESS);
    }
    println!("{drift}\nTo update the files, run: cargo run -- generate");
    Ok(ExitCode::FAILURE)
}
