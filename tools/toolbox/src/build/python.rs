//! Python packages, each in an environment of its own.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use shell::Cmd;

use super::partial;

/// Returns whether Python can make environments, which Debian packages separately.
pub(super) fn is_there() -> bool {
    Cmd::new("python3").args(["-c", "import ensurepip, venv"]).read().is_ok()
}

/// Makes an environment with `package` and links `program` to its own.
pub(super) fn build(root: &Path, package: &str, version: &str, program: &Path) -> Result<()> {
    let bin = program.parent().context("a program is in a directory")?;
    let name = program.file_name().context("a program has a name")?;
    let venv = environment(root, package, version)?;
    let inside = venv.join("bin").join(name);
    fs::metadata(&inside)
        .with_context(|| format!("{package} {version} brings no {}", inside.display()))?;
    fs::create_dir_all(bin).with_context(|| format!("making {}", bin.display()))?;
    let link = partial(program);
    let _ = fs::remove_file(&link);
    symlink(&inside, &link)?;
    Ok(fs::rename(&link, program)?)
}

/// Makes an environment with `package`, and makes `program` run its Python.
pub(super) fn interpreter(root: &Path, package: &str, version: &str, program: &Path) -> Result<()> {
    let bin = program.parent().context("a program is in a directory")?;
    let python = environment(root, package, version)?.join("bin/python");
    fs::create_dir_all(bin).with_context(|| format!("making {}", bin.display()))?;
    // Python knows its environment by the path that it was started with, so a link
    // would not do.
    let script = format!("#!/bin/sh\nexec '{}' \"$@\"\n", python.display());
    let whole = partial(program);
    fs::write(&whole, script)?;
    fs::set_permissions(&whole, fs::Permissions::from_mode(0o755))?;
    Ok(fs::rename(&whole, program)?)
}

/// Makes an environment with `package` in it.
///
/// Programs carry its absolute path, so it cannot be made elsewhere and moved; what
/// leads to it comes last instead.
fn environment(root: &Path, package: &str, version: &str) -> Result<PathBuf> {
    let venv = root.join("venv");
    Cmd::new("python3")
        .args(["-m", "venv", "--clear"])
        .arg(venv.display().to_string())
        .must_run()?;
    install_cmd(&venv, package, version).must_run()?;
    Ok(venv)
}

fn install_cmd(venv: &Path, package: &str, version: &str) -> Cmd {
    Cmd::new(venv.join("bin/pip").display().to_string())
        .args(["install", "--quiet", "--disable-pip-version-check"])
        .arg(format!("{package}=={version}"))
}
