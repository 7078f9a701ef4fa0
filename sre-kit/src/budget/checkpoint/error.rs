//! The errors of writing and of reading a checkpoint.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// An error of [`Budgets::save_checkpoint`](crate::slo::Budgets::save_checkpoint): the file
/// could not be written.
#[derive(Debug)]
pub struct CheckpointError {
    path: PathBuf,
    source: io::Error,
}

impl CheckpointError {
    pub(super) fn new(path: &Path, source: io::Error) -> Self {
        Self { path: path.to_owned(), source }
    }

    /// Returns the kind of the I/O error that is the [source](std::error::Error::source).
    pub fn kind(&self) -> io::ErrorKind {
        self.source.kind()
    }
}

impl fmt::Display for CheckpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the SLO checkpoint {} cannot be written", self.path.display())
    }
}

impl std::error::Error for CheckpointError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// The reason why a file, or its part for one SLO, is not used.
#[derive(Debug)]
pub(super) enum Rejection {
    Unreadable(io::Error),
    NotACheckpoint,
    UnknownVersion(u32),
    Damaged,
    OtherService(String),
    FromTheFuture,
    UnknownSlo,
    OtherDefinition,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(err) => write!(f, "it cannot be read: {err}"),
            Self::NotACheckpoint => f.write_str("it is not an SLO checkpoint"),
            Self::UnknownVersion(version) => {
                write!(f, "it has version {version}, which this program does not know")
            }
            Self::Damaged => f.write_str("it is damaged"),
            Self::OtherService(service) => write!(f, "it belongs to the service `{service}`"),
            Self::FromTheFuture => f.write_str("it was written later than now"),
            Self::UnknownSlo => f.write_str("the SLO is not in it"),
            Self::OtherDefinition => {
                f.write_str("the SLO counted other events when it was written")
            }
        }
    }
}
