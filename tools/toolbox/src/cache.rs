//! Where built tools are kept, and the lock that lets two runs share them.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::Progress;

/// A directory of tools, each under its name and version.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// Finds the cache: `$SRE_KIT_CACHE`, else `$XDG_CACHE_HOME/sre-kit`, else
    /// `~/.cache/sre-kit`.
    pub fn find() -> Result<Self> {
        match locate(|name| env::var_os(name)) {
            Some(root) => Ok(Self { root }),
            None => bail!("there is no HOME to keep tools in; set SRE_KIT_CACHE to a directory"),
        }
    }

    /// Creates a cache in `root`, for a test.
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Returns the directory of one version of a tool.
    pub(crate) fn dir(&self, name: &str, version: &str) -> PathBuf {
        self.root.join(format!("{name}-{version}"))
    }

    /// Waits until no other run installs the same tool. Released when dropped,
    /// and by the kernel when the process dies.
    pub(crate) fn lock(&self, name: &str) -> Result<File> {
        fs::create_dir_all(&self.root)
            .with_context(|| format!("making the tool cache {}", self.root.display()))?;
        let path = self.root.join(format!("{name}.lock"));
        let file = File::create(&path).with_context(|| format!("opening {}", path.display()))?;
        if file.try_lock().is_err() {
            println!("another run is getting {name}; waiting for it");
            let _progress = Progress::start(format!("waiting for {name}"), Duration::ZERO);
            file.lock().with_context(|| format!("locking {}", path.display()))?;
        }
        Ok(file)
    }
}

fn locate(var: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    // An empty variable means unset, as the XDG specification says.
    let dir = |name| var(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    dir("SRE_KIT_CACHE")
        .or_else(|| dir("XDG_CACHE_HOME").map(|cache| cache.join("sre-kit")))
        .or_else(|| dir("HOME").map(|home| home.join(".cache/sre-kit")))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{Cache, locate};

    #[test]
    fn our_own_variable_wins_then_xdg_then_home() {
        let with = |set: &[(&str, &str)]| {
            let set: Vec<_> = set.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
            locate(move |name| {
                set.iter().find(|(k, _)| k == name).map(|(_, value)| value.clone().into())
            })
        };
        let home = ("HOME", "/h");
        let xdg = ("XDG_CACHE_HOME", "/x");
        assert_eq!(with(&[home, xdg, ("SRE_KIT_CACHE", "/s")]).as_deref(), Some(Path::new("/s")));
        assert_eq!(with(&[home, xdg]).as_deref(), Some(Path::new("/x/sre-kit")));
        assert_eq!(
            with(&[home, ("XDG_CACHE_HOME", "")]).as_deref(),
            Some(Path::new("/h/.cache/sre-kit"))
        );
        assert_eq!(with(&[]), None);
    }

    #[test]
    fn one_run_at_a_time_installs_a_tool() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let cache = Cache::at(&dir.path().join("made/on/demand"));
        let held = cache.lock("helm").expect("free");
        let again = fs::File::open(dir.path().join("made/on/demand/helm.lock")).expect("exists");
        assert!(again.try_lock().is_err(), "a second run would install at the same time");
        cache.lock("kubeconform").expect("another tool is free");
        drop(held);
        again.try_lock().expect("free again");
    }
}
