//! The generated files: in memory, on disk, and the difference between the two.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use similar::TextDiff;

/// Lists the generated files, so that one that is no longer generated is known
/// as such.
pub(super) const MANIFEST: &str = "MANIFEST";

/// The files that one definition gives, by their path below a folder of one's choice.
///
/// The same definition gives the same bytes, always.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    files: BTreeMap<String, String>,
}

impl Rendered {
    /// `files` and their manifest.
    pub(super) fn new(mut files: BTreeMap<String, String>) -> Self {
        let mut manifest = format!("# {}\n", super::HEADER.replace('\n', "\n# "));
        for path in files.keys() {
            manifest.push_str(path);
            manifest.push('\n');
        }
        files.insert(MANIFEST.to_owned(), manifest);
        Self { files }
    }

    /// Paths and texts, in the order of the paths.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The text of one file.
    pub fn get(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Makes the folder `dir` hold these files.
    ///
    /// What already is as it should be is not touched. Files that an earlier run
    /// generated and this one does not are removed; files that no run generated
    /// are left alone.
    ///
    /// # Errors
    ///
    /// When a file or folder cannot be read or written; the text names it.
    pub fn write(&self, dir: impl AsRef<Path>) -> io::Result<()> {
        let dir = dir.as_ref();
        for path in generated_before(dir)?.iter().filter(|path| !self.files.contains_key(*path)) {
            let file = dir.join(path);
            match fs::remove_file(&file) {
                Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(at(&file, &err)),
                _ => remove_empty_parents(dir, &file),
            }
        }
        for (path, text) in &self.files {
            let file = dir.join(path);
            if read(&file)?.as_deref() == Some(text.as_bytes()) {
                continue;
            }
            if let Some(parent) = file.parent() {
                fs::create_dir_all(parent).map_err(|err| at(parent, &err))?;
            }
            fs::write(&file, text).map_err(|err| at(&file, &err))?;
        }
        Ok(())
    }

    /// Compares the folder `dir` with what it should hold, and changes nothing.
    ///
    /// # Errors
    ///
    /// When a file or folder cannot be read; the text names it. A folder that is
    /// not there is no error: everything is missing then.
    pub fn check(&self, dir: impl AsRef<Path>) -> io::Result<Drift> {
        let dir = dir.as_ref();
        let mut found = BTreeSet::new();
        list(dir, "", &mut found)?;
        let mut differences = Vec::new();
        for (path, wanted) in &self.files {
            let difference = match read(&dir.join(path))? {
                None => Difference::Missing(path.clone()),
                Some(bytes) if bytes == wanted.as_bytes() => continue,
                Some(bytes) => Difference::Stale {
                    diff: diff(path, &String::from_utf8_lossy(&bytes), wanted),
                    path: path.clone(),
                },
            };
            differences.push(difference);
        }
        let generated = generated_before(dir)?;
        let extra = found.iter().filter(|path| !self.files.contains_key(*path));
        differences.extend(extra.map(|path| Difference::Extra {
            generated: generated.contains(path),
            path: path.clone(),
        }));
        Ok(Drift { differences })
    }
}

/// How a folder differs from what it should hold. Prints as a report with unified diffs.
///
/// ```
/// # use sre_kit_slo::render::Drift;
/// fn exit_code(drift: &Drift) -> u8 {
///     if drift.is_empty() { 0 } else { 1 }
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "a difference that nobody reads fails nothing"]
pub struct Drift {
    differences: Vec<Difference>,
}

impl Drift {
    /// Whether the folder is up to date.
    pub fn is_empty(&self) -> bool {
        self.differences.is_empty()
    }

    /// Every difference: stale and missing files by path, then extra ones.
    pub fn differences(&self) -> &[Difference] {
        &self.differences
    }
}

/// One file that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// It is generated and not there.
    Missing(String),
    /// It is there with another text.
    Stale {
        /// Its path below the folder.
        path: String,
        /// From the text that is there to the one that should be, as a unified diff.
        diff: String,
    },
    /// It is there and not generated.
    Extra {
        /// Its path below the folder.
        path: String,
        /// Whether an earlier run generated it. Writing removes those, and no others.
        generated: bool,
    },
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for difference in &self.differences {
            match difference {
                Difference::Missing(path) => writeln!(f, "missing: {path}")?,
                Difference::Stale { path, diff } => write!(f, "stale: {path}\n{diff}")?,
                Difference::Extra { path, generated: true } => {
                    writeln!(f, "extra: {path} (no longer generated; writing removes it)")?;
                }
                Difference::Extra { path, generated: false } => {
                    writeln!(f, "extra: {path} (never generated; keep your own files elsewhere)")?;
                }
            }
        }
        Ok(())
    }
}

fn diff(path: &str, found: &str, wanted: &str) -> String {
    TextDiff::from_lines(found, wanted)
        .unified_diff()
        .context_radius(3)
        .header(&format!("{path} (on disk)"), &format!("{path} (generated)"))
        .to_string()
}

/// The paths in the manifest that lies in `dir`, if one does.
fn generated_before(dir: &Path) -> io::Result<BTreeSet<String>> {
    let Some(bytes) = read(&dir.join(MANIFEST))? else { return Ok(BTreeSet::new()) };
    let text = String::from_utf8_lossy(&bytes);
    let inside = |line: &&str| {
        // A manifest that was tampered with must not reach outside its folder.
        let part = |part: &str| !matches!(part, "" | "." | "..");
        !line.starts_with('#') && !line.contains('\\') && line.split('/').all(part)
    };
    Ok(text.lines().filter(inside).map(str::to_owned).collect())
}

/// Every file below `dir`, by its path in there with forward slashes.
fn list(dir: &Path, prefix: &str, found: &mut BTreeSet<String>) -> io::Result<()> {
    let entries = match fs::read_dir(dir) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|err| at(dir, &err))?,
    };
    for entry in entries {
        let entry = entry.map_err(|err| at(dir, &err))?;
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        // A link is listed and not followed: it may lead anywhere, also back.
        if entry.file_type().map_err(|err| at(&entry.path(), &err))?.is_dir() {
            list(&entry.path(), &format!("{path}/"), found)?;
        } else {
            found.insert(path);
        }
    }
    Ok(())
}

fn read(file: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(file) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
        bytes => bytes.map(Some).map_err(|err| at(file, &err)),
    }
}

/// Folders that a removal left empty, up to `dir` itself.
fn remove_empty_parents(dir: &Path, file: &Path) {
    let parents = file.ancestors().skip(1).take_while(|parent| *parent != dir);
    for parent in parents {
        // Refused when something is left in it, and that is the end of it.
        if fs::remove_dir(parent).is_err() {
            break;
        }
    }
}

fn at(path: &Path, err: &io::Error) -> io::Error {
    io::Error::new(err.kind(), format!("{}: {err}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Difference, Rendered};

    fn rendered<const N: usize>(files: [(&str, &str); N]) -> Rendered {
        Rendered::new(files.map(|(path, text)| (path.to_owned(), text.to_owned())).into())
    }

    #[test]
    fn what_was_written_checks_out() {
        let dir = tempfile::tempdir().expect("a folder");
        let files = rendered([("a.txt", "one\n"), ("b/c.txt", "two\n")]);
        files.write(dir.path()).expect("writes");
        assert!(files.check(dir.path()).expect("reads").is_empty());
        assert_eq!(fs::read_to_string(dir.path().join("b/c.txt")).expect("there"), "two\n");
    }

    #[test]
    fn a_folder_that_is_not_there_lacks_everything() {
        let dir = tempfile::tempdir().expect("a folder");
        let drift = rendered([("a.txt", "one\n")]).check(dir.path().join("no")).expect("no error");
        assert_eq!(drift.to_string(), "missing: MANIFEST\nmissing: a.txt\n");
    }

    #[test]
    fn a_stale_file_is_shown_with_its_lines() {
        let dir = tempfile::tempdir().expect("a folder");
        let files = rendered([("a.txt", "one\ntwo\nthree\n")]);
        files.write(dir.path()).expect("writes");
        fs::write(dir.path().join("a.txt"), "one\n2\nthree\n").expect("writes");
        let text = files.check(dir.path()).expect("reads").to_string();
        assert_eq!(
            text,
            "stale: a.txt\n--- a.txt (on disk)\n+++ a.txt (generated)\n@@ -1,3 +1,3 @@\n one\n-2\n\
             +two\n three\n"
        );
    }

    #[test]
    fn writing_removes_what_an_earlier_run_wrote_and_nothing_else() {
        let dir = tempfile::tempdir().expect("a folder");
        rendered([("a.txt", ""), ("old/gone.txt", "")]).write(dir.path()).expect("writes");
        fs::write(dir.path().join("notes.txt"), "mine").expect("writes");
        let now = rendered([("a.txt", "")]);
        let extra = |path: &str, generated| Difference::Extra { path: path.into(), generated };
        assert_eq!(
            now.check(dir.path()).expect("reads").differences()[1..],
            [extra("notes.txt", false), extra("old/gone.txt", true)]
        );
        now.write(dir.path()).expect("writes");
        assert!(!dir.path().join("old").exists(), "the folder went with its last file");
        assert_eq!(
            now.check(dir.path()).expect("reads").differences(),
            [extra("notes.txt", false)]
        );
    }

    #[test]
    fn a_manifest_cannot_point_outside_its_folder() {
        let dir = tempfile::tempdir().expect("a folder");
        let inside = dir.path().join("inside");
        fs::create_dir(&inside).expect("makes");
        fs::write(dir.path().join("precious"), "").expect("writes");
        let absolute = dir.path().join("precious");
        let manifest = format!("../precious\n{}\na/../../precious\n", absolute.display());
        fs::write(inside.join("MANIFEST"), manifest).expect("writes");
        rendered([]).write(&inside).expect("writes");
        assert!(absolute.exists());
    }

    #[test]
    fn an_error_names_the_file() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join("b"), "a file where a folder should be").expect("writes");
        let err = rendered([("b/c.txt", "")]).write(dir.path()).expect_err("refused");
        assert!(err.to_string().contains('b'), "{err}");
    }
}
