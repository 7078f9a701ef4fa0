//! Programs from npm packages, at the versions of the lock files in `npm/`.

use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use shell::Cmd;

use super::{Location, partial};
use crate::cache::Cache;
use crate::debian::find_program;

/// Returns whether there is an npm, and a Node for what it installs.
pub(super) fn is_there() -> bool {
    find_program("npm").is_some() && find_program("node").is_some()
}

/// Returns where the folder's packages are, and the variable in which a test finds them.
pub(super) fn location(cache: &Cache, folder: &str, program: &str) -> Option<Location> {
    let root = root(cache, folder).ok()?;
    let mut location = Location::program(root.join("node_modules/.bin"), program);
    location.env.push((variable(folder), root.display().to_string()));
    Some(location)
}

/// Returns `SRE_KIT_NPM_K6` for `k6`.
fn variable(folder: &str) -> String {
    format!("SRE_KIT_NPM_{}", folder.to_ascii_uppercase().replace('-', "_"))
}

fn source(folder: &str) -> PathBuf {
    Path::new("tools/toolbox/npm").join(folder)
}

/// Returns the directory of a folder's packages. Its version is a hash of the lock file, so
/// that another lock is another directory.
fn root(cache: &Cache, folder: &str) -> Result<PathBuf> {
    let lock = source(folder).join("package-lock.json");
    let lock = fs::read(&lock).with_context(|| format!("reading {}", lock.display()))?;
    Ok(cache.dir(folder, &hash(&lock)))
}

fn hash(lock: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    hasher.write(lock);
    format!("{:016x}", hasher.finish())
}

/// Installs what the lock says, and runs none of the packages' own scripts.
pub(super) fn build(cache: &Cache, folder: &str) -> Result<()> {
    let root = root(cache, folder)?;
    let dir = partial(&root);
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).with_context(|| format!("making {}", dir.display()))?;
    for name in ["package.json", "package-lock.json"] {
        fs::copy(source(folder).join(name), dir.join(name))?;
    }
    Cmd::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .dir(&dir)
        .must_run()?;
    let _ = fs::remove_dir_all(&root);
    Ok(fs::rename(&dir, &root)?)
}

#[cfg(test)]
mod tests {
    use super::{hash, variable};

    #[test]
    fn another_lock_is_another_version() {
        assert_ne!(hash(b"{}"), hash(b"{ }"));
        assert_eq!(hash(b"{}").len(), 16);
    }

    #[test]
    fn a_folder_has_its_variable() {
        assert_eq!(variable("k6"), "SRE_KIT_NPM_K6");
        assert_eq!(variable("page-tools"), "SRE_KIT_NPM_PAGE_TOOLS");
    }
}
