//! The generated files, in memory and on disk.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

use similar::TextDiff;

use super::disk::{at, list, read, remove_empty_parents};
use super::drift::{Difference, Drift};

/// The file that lists the generated files, so that a later run can remove those that are no
/// longer generated.
const MANIFEST: &str = "MANIFEST";

/// The generated files in memory, by their path relative to a folder.
///
/// The same definition and options always give the same bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    files: BTreeMap<String, String>,
}

impl Rendered {
    /// Adds the manifest to `files`.
    pub(super) fn new(mut files: BTreeMap<String, String>) -> Self {
        let mut manifest = format!("# {}\n", super::HEADER.replace('\n', "\n# "));
        for path in files.keys() {
            manifest.push_str(path);
            manifest.push('\n');
        }
        files.insert(MANIFEST.to_owned(), manifest);
        Self { files }
    }

    /// Returns an iterator over paths and texts, in the order of the paths.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Returns the text of the file at `path`, if there is one.
    pub fn get(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Writes the files to the folder `dir`, which is created if it does not exist.
    ///
    /// Files that are already up to date are not touched. Files that an earlier run generated and
    /// this one does not are removed. Files that were never generated stay.
    ///
    /// # Errors
    ///
    /// Returns an error if a file or folder cannot be read or written. The message names it.
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

    /// Compares the folder `dir` with the files, without changing it.
    ///
    /// # Errors
    ///
    /// Returns an error if a file or folder cannot be read. The message names it. If the folder
    /// does not exist, every file is reported as missing.
    pub fn check(&self, dir: impl AsRef<Path>) -> io::Result<Drift> {
        let dir = dir.as_ref();
        let mut found = BTreeSet::new();
        list(dir, "", &mut found)?;
        let mut differences = Vec::new();
        for (path, expected) in &self.files {
            let difference = match read(&dir.join(path))? {
                None => Difference::Missing(path.clone()),
                Some(bytes) if bytes == expected.as_bytes() => continue,
                Some(bytes) => Difference::Stale {
                    diff: diff(path, &String::from_utf8_lossy(&bytes), expected),
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
        Ok(Drift::new(differences))
    }
}

fn diff(path: &str, found: &str, wanted: &str) -> String {
    TextDiff::from_lines(found, wanted)
        .unified_diff()
        .context_radius(3)
        .header(&format!("{path} (on disk)"), &format!("{path} (generated)"))
        .to_string()
}

/// Returns the paths in the manifest of `dir`, or none if there is no manifest.
fn generated_before(dir: &Path) -> io::Result<BTreeSet<String>> {
    let Some(bytes) = read(&dir.join(MANIFEST))? else { return Ok(BTreeSet::new()) };
    let text = String::from_utf8_lossy(&bytes);
    let inside = |line: &&str| {
        // A manifest that was tampered with must not reach outside of its folder.
        let part = |part: &str| !matches!(part, "" | "." | "..");
        !line.starts_with('#') && !line.contains('\\') && line.split('/').all(part)
    };
    Ok(text.lines().filter(inside).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::drift::Difference;
    use super::Rendered;

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
        let err = rendered([("b/c.txt", "")]).write(dir.path()).expect_err("invalid");
        assert!(err.to_string().contains('b'), "{err}");
    }
}
