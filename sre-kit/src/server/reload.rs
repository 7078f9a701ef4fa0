//! A value made from files, which is made again when they change.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::ConfigError;

/// The largest file that is read. A bundle of certificates is far smaller.
const MAX_FILE: u64 = 1024 * 1024;

/// A file that a setting names.
#[derive(Clone, Debug)]
pub(crate) struct SettingFile {
    /// The setting, for errors.
    pub(crate) field: &'static str,
    pub(crate) path: PathBuf,
}

impl SettingFile {
    /// Returns an error about the content of the file, which it does not show.
    pub(crate) fn error(&self, rule: impl Into<String>, advice: &'static str) -> ConfigError {
        ConfigError::new(self.field, &self.path, rule.into(), advice)
    }

    fn read(&self) -> Result<Vec<u8>, ConfigError> {
        let read = || {
            let file = File::open(&self.path)?;
            if !file.metadata()?.is_file() {
                return Err(io::Error::other("it is not a file"));
            }
            let mut content = Vec::new();
            file.take(MAX_FILE + 1).read_to_end(&mut content)?;
            if content.len() as u64 > MAX_FILE {
                return Err(io::Error::other("it is larger than 1 MiB"));
            }
            Ok(content)
        };
        read().map_err(|error: io::Error| {
            self.error(format!("it cannot be read: {error}"), "correct the path, or mount the file")
        })
    }
}

type Parse<T> = dyn Fn(&[Vec<u8>]) -> Result<T, ConfigError> + Send + Sync;

/// A value made from files, which is made again when they change.
///
/// Files that cannot be read or parsed leave the value as it is. Their contents are compared, and
/// not their times, because Kubernetes replaces a mounted Secret by changing a symbolic link.
pub(crate) struct Reloaded<T> {
    files: Vec<SettingFile>,
    parse: Box<Parse<T>>,
    state: Mutex<State<T>>,
    replaced: AtomicU64,
    failed: AtomicU64,
}

struct State<T> {
    value: Arc<T>,
    contents: Vec<Vec<u8>>,
    /// The last failure, so that it is logged once and not at each check.
    failure: Option<String>,
}

impl<T> Reloaded<T> {
    /// Reads the files for the first time. `parse` gets their contents in the same order.
    ///
    /// # Errors
    ///
    /// Returns an error if a file cannot be read, and the errors of `parse`.
    pub(crate) fn new(
        files: Vec<SettingFile>,
        parse: impl Fn(&[Vec<u8>]) -> Result<T, ConfigError> + Send + Sync + 'static,
    ) -> Result<Self, ConfigError> {
        let contents = read_all(&files)?;
        let value = Arc::new(parse(&contents)?);
        Ok(Self {
            files,
            parse: Box::new(parse),
            state: Mutex::new(State { value, contents, failure: None }),
            replaced: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        })
    }

    /// Returns the value as it was last read.
    pub(crate) fn get(&self) -> Arc<T> {
        Arc::clone(&self.lock().value)
    }

    /// Reads the files and replaces the value if they have changed. Blocks while it reads.
    pub(crate) fn check(&self) {
        let made = read_all(&self.files).and_then(|contents| {
            if self.lock().contents == contents {
                return Ok(None);
            }
            Ok(Some(((self.parse)(&contents)?, contents)))
        });
        let mut state = self.lock();
        match made {
            Ok(None) => state.failure = None,
            Ok(Some((value, contents))) => {
                *state = State { value: Arc::new(value), contents, failure: None };
                self.replaced.fetch_add(1, Ordering::Relaxed);
                tracing::info!(setting = self.files[0].field, "read the files again");
            }
            Err(error) => {
                let error = error.to_string();
                if state.failure.as_ref() != Some(&error) {
                    self.failed.fetch_add(1, Ordering::Relaxed);
                    tracing::warn!(%error, "kept what was read before");
                    state.failure = Some(error);
                }
            }
        }
    }

    /// Returns how many times the value was replaced, and how many changes could not be used.
    #[cfg(feature = "tls")]
    pub(crate) fn counts(&self) -> (&AtomicU64, &AtomicU64) {
        (&self.replaced, &self.failed)
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read_all(files: &[SettingFile]) -> Result<Vec<Vec<u8>>, ConfigError> {
    files.iter().map(SettingFile::read).collect()
}

/// Shows the paths. The contents and the value may be secret.
impl<T> fmt::Debug for Reloaded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.files.iter().map(|file| &file.path)).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Reloaded, SettingFile};

    #[test]
    fn a_changed_file_replaces_the_value_and_a_bad_one_does_not() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("value");
        fs::write(&path, "1").expect("written");
        let file = SettingFile { field: "test.file", path: path.clone() };
        let shown = file.clone();
        let value = Reloaded::new(vec![file], move |contents| {
            let text = String::from_utf8_lossy(&contents[0]);
            text.parse::<u32>().map_err(|_| shown.error("it is not a number", "write a number"))
        })
        .expect("a number");
        assert_eq!(*value.get(), 1);
        fs::write(&path, "2").expect("written");
        assert_eq!(*value.get(), 1, "nothing is read before a check");
        value.check();
        assert_eq!(*value.get(), 2);
        fs::write(&path, "x").expect("written");
        value.check();
        fs::remove_file(&path).expect("removed");
        value.check();
        value.check();
        assert_eq!(*value.get(), 2);
        let of = |count: &std::sync::atomic::AtomicU64| count.load(super::Ordering::Relaxed);
        assert_eq!((of(&value.replaced), of(&value.failed)), (1, 2), "a failure counts once");
        fs::write(&path, "3").expect("written");
        value.check();
        assert_eq!(*value.get(), 3);
    }

    #[test]
    fn a_file_that_is_missing_at_the_start_is_an_error_with_its_path() {
        let file = SettingFile { field: "test.file", path: "/nowhere/value".into() };
        let err = Reloaded::new(vec![file], |_| Ok(())).expect_err("it is missing");
        let text = err.to_string();
        assert!(
            text.starts_with("test.file is \"/nowhere/value\", but it cannot be read"),
            "{text}"
        );
    }
}
