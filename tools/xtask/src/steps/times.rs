//! How long each step took the last time, to say how much time is left.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

/// A file with one line per step: its seconds and its name.
#[derive(Debug, Default)]
pub(crate) struct Times {
    file: Option<PathBuf>,
    known: Mutex<BTreeMap<String, u64>>,
}

impl Times {
    /// Reads the file. One that is not there, or not readable, knows nothing.
    pub(crate) fn read(file: PathBuf) -> Self {
        let text = fs::read_to_string(&file).unwrap_or_default();
        let known = text.lines().filter_map(|line| {
            let (seconds, name) = line.split_once(' ')?;
            Some((name.to_owned(), seconds.parse().ok()?))
        });
        Self { file: Some(file), known: Mutex::new(known.collect()) }
    }

    /// Returns how long a step takes: as long as the last time, or `otherwise`.
    pub(crate) fn of(&self, step: &str, otherwise: Duration) -> Duration {
        let known = self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        known.get(step).map_or(otherwise, |seconds| Duration::from_secs(*seconds))
    }

    /// Remembers how long a step took. What cannot be written is forgotten: it is no result.
    pub(crate) fn took(&self, step: &str, took: Duration) {
        let mut known = self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        known.insert(step.to_owned(), took.as_secs());
        if let Some(file) = &self.file {
            let mut text = String::new();
            for (name, seconds) in known.iter() {
                let _ = writeln!(text, "{seconds} {name}");
            }
            let _ = fs::create_dir_all(file.parent().unwrap_or(file));
            let _ = fs::write(file, text);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Times;

    #[test]
    fn a_later_run_knows_what_an_earlier_one_measured() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let file = dir.path().join("target/times");
        let times = Times::read(file.clone());
        let minute = Duration::from_mins(1);
        assert_eq!(times.of("rust: clippy", minute), minute);
        times.took("rust: clippy", Duration::from_secs(7));
        times.took("servers: db", Duration::from_secs(30));
        let again = Times::read(file);
        assert_eq!(again.of("rust: clippy", minute), Duration::from_secs(7));
        assert_eq!(again.of("servers: db", minute), Duration::from_secs(30));
    }
}
