//! The difference between a folder and the generated files.

use std::fmt;

/// The differences between a folder and the generated files.
///
/// [`Display`](fmt::Display) writes a report with unified diffs.
///
/// ```
/// # use sre_kit_slo::render::Drift;
/// fn exit_code(drift: &Drift) -> u8 {
///     if drift.is_empty() { 0 } else { 1 }
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "check `Drift::is_empty`, otherwise stale files go unnoticed"]
pub struct Drift {
    differences: Vec<Difference>,
}

impl Drift {
    pub(super) fn new(differences: Vec<Difference>) -> Self {
        Self { differences }
    }

    /// Returns whether the folder is up to date.
    pub fn is_empty(&self) -> bool {
        self.differences.is_empty()
    }

    /// Returns the differences: stale and missing files in the order of their paths, then extra
    /// files.
    pub fn differences(&self) -> &[Difference] {
        &self.differences
    }
}

/// One file that differs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Difference {
    /// The file is generated and does not exist in the folder.
    Missing(String),
    /// The file exists with another text.
    Stale {
        /// The path of the file, relative to the folder.
        path: String,
        /// A unified diff from the text in the folder to the generated text.
        diff: String,
    },
    /// The file exists and is not generated.
    Extra {
        /// The path of the file, relative to the folder.
        path: String,
        /// Whether an earlier run generated the file. [`Rendered::write`](super::Rendered::write)
        /// removes only such files.
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
