//! Tools that are not Debian packages: where each is kept, and how it is built.
//!
//! A program is under its own name only when it is whole: a run that dies
//! half-way must not leave something that looks like a tool.

mod crates;
mod go;
mod npm;
mod provider;
mod python;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::cache::Cache;
use super::{Source, Tool, by_name};

/// Where a tool is once it is built, and the settings of a command that uses it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Location {
    /// The file that is there when the tool is.
    pub(crate) file: PathBuf,
    /// The directory to put in front of `PATH`.
    pub(crate) dir: Option<PathBuf>,
    /// Variables.
    pub(crate) env: Vec<(String, String)>,
}

impl Location {
    /// Creates the place of a program in a directory of programs.
    fn program(dir: PathBuf, name: &str) -> Self {
        Self { file: dir.join(name), dir: Some(dir), env: Vec::new() }
    }
}

/// Returns where the cache keeps a tool. Returns `None` if the machine itself must have it, or
/// if the file that states its version cannot be read.
pub(crate) fn location(cache: &Cache, tool: &Tool) -> Option<Location> {
    match &tool.source {
        Source::Debian(_) | Source::Root(_) | Source::Set(_) => None,
        Source::MachineOr(other) => Some(Location::program(
            cache.dir(tool.name, &format!("is-{other}")).join("bin"),
            tool.name,
        )),
        Source::Crate(name, version) => {
            Some(Location::program(cache.dir(name, version).join("bin"), tool.name))
        }
        Source::GoWrapper(wrapper) => {
            let bin = cache.dir(tool.name, wrapper.version).join("bin");
            Some(Location::program(bin, go::programs(wrapper, tool.name)[0]))
        }
        Source::Go(_, version) | Source::PythonWith(_, version) => {
            Some(Location::program(cache.dir(tool.name, version).join("bin"), tool.name))
        }
        Source::Python(package, version) => {
            Some(Location::program(cache.dir(package, version).join("bin"), tool.name))
        }
        Source::Npm(folder) => npm::location(cache, folder, tool.name),
        Source::Provider(provider) => Some(provider::location(cache, provider)),
    }
}

/// Builds a tool into its location. Waits for another run that builds the same tool, and uses what
/// that one built.
pub(crate) fn build(cache: &Cache, tool: &Tool, location: &Location) -> Result<()> {
    let _lock = cache.lock(tool.source.lock(tool.name))?;
    if location.file.is_file() {
        return Ok(());
    }
    match &tool.source {
        Source::Crate(name, version) => crates::build(&cache.dir(name, version), name, version),
        Source::Go(package, version) => go::install(package, version, &location.file),
        Source::GoWrapper(wrapper) => {
            go::build(wrapper, tool.name, &cache.dir(tool.name, wrapper.version).join("bin"))
        }
        Source::Python(package, version) => {
            python::build(&cache.dir(package, version), package, version, &location.file)
        }
        Source::PythonWith(package, version) => {
            python::interpreter(&cache.dir(tool.name, version), package, version, &location.file)
        }
        Source::Npm(folder) => npm::build(cache, folder),
        Source::Provider(provider) => provider::build(cache, provider, &location.file),
        Source::MachineOr(other) => stand_in(cache, other, &location.file),
        Source::Debian(_) | Source::Root(_) | Source::Set(_) => unreachable!("has no place"),
    }
}

/// Builds `other` and links it as the file `program`.
fn stand_in(cache: &Cache, other: &str, program: &Path) -> Result<()> {
    let other = by_name(other).context("stands in for a tool and is in the catalogue")?;
    let built = location(cache, other).context("stands in for a tool and is built")?;
    build(cache, other, &built)?;
    let dir = program.parent().context("a program is in a directory")?;
    fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))?;
    let _ = fs::remove_file(program);
    symlink(&built.file, program).with_context(|| format!("making {}", program.display()))
}

/// Returns the Debian packages that are missing to build a tool.
pub(crate) fn absent_builders(tool: &Tool) -> &'static [&'static str] {
    match &tool.source {
        Source::Go(..) | Source::GoWrapper(..) | Source::Provider(_) | Source::MachineOr(_)
            if !go::is_there() =>
        {
            &["golang"]
        }
        Source::Python(..) | Source::PythonWith(..) if !python::is_there() => &["python3-venv"],
        Source::Npm(_) if !npm::is_there() => &["nodejs", "npm"],
        // It speaks Git over TLS, with the machine's OpenSSL.
        Source::Crate("cargo-generate", _)
            if !Path::new("/usr/include/openssl/ssl.h").is_file() =>
        {
            &["libssl-dev", "pkg-config"]
        }
        _ => &[],
    }
}

/// Says why the machine's compiler cannot build a tool.
pub(crate) fn builder_too_old(tool: &Tool) -> Option<String> {
    match &tool.source {
        Source::Go(..) | Source::GoWrapper(..) | Source::Provider(_) | Source::MachineOr(_) => {
            go::too_old()
        }
        _ => None,
    }
}

impl Source {
    /// Returns the name of the lock, which tools that are built together share.
    fn lock<'a>(&'a self, tool: &'a str) -> &'a str {
        match self {
            Self::Crate(name, _) | Self::Python(name, _) => name,
            Self::Npm(folder) => folder,
            _ => tool,
        }
    }
}

/// Appends `.partial` to `path`.
fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    name.into()
}
