//! `cargo xtask tools`: gets tools for use by hand.

use std::process::ExitCode;

use anyhow::{Context, Result};
use shell::Cmd;

use crate::catalogue;
use crate::{Cache, Installer};

/// Gets the named tools and prints the setting by which a shell finds them. Lists all tools if
/// `names` is empty.
pub fn run(names: &[String]) -> Result<ExitCode> {
    let installer = Installer { cache: Cache::find()?, install: true, slow: true };
    if names.is_empty() {
        for tool in catalogue::all() {
            println!("{}", installer.describe(tool));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let wanted: Vec<_> = names
        .iter()
        .map(|name| {
            catalogue::by_name(name).with_context(|| {
                format!("there is no tool {name}; use one of {}", catalogue::names())
            })
        })
        .collect::<Result<_>>()?;
    let ready = installer.ready(&wanted);
    for missing in &ready.missing {
        println!("{}: {}", missing.name, missing.reason);
    }
    let setting = Cmd::new("export").path_first(&ready.dirs).envs(&ready.env).assignments();
    if !setting.is_empty() {
        println!("\nFor a shell that finds them:\n    export {setting}");
    }
    Ok(if ready.missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(3) })
}
