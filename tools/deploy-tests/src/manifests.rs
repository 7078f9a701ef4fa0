//! `cargo xtask autopilot`: manifests, as GKE Autopilot would see them.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use shell::Workspace;

use crate::autopilot::{self, Effect};

/// Checks each file, `-` being standard input.
pub(crate) fn run(workspace: &Workspace, files: &[PathBuf], strict: bool) -> Result<ExitCode> {
    let (mut objects, mut refused, mut changed) = (0, 0, 0);
    for file in files {
        let name = file.display();
        let text = if file.as_os_str() == "-" {
            io::read_to_string(io::stdin()).context("reading standard input")?
        } else {
            fs::read_to_string(workspace.started_in().join(file))
                .with_context(|| format!("reading {name}"))?
        };
        let (count, findings) = autopilot::check(&text).with_context(|| name.to_string())?;
        objects += count;
        for finding in findings {
            match finding.effect {
                Effect::Refused => refused += 1,
                Effect::Changed => changed += 1,
            }
            println!("{name}: {finding}");
        }
    }
    println!("{objects} objects: {refused} refused, {changed} changed");
    let fails = refused > 0 || (strict && changed > 0);
    Ok(if fails { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
