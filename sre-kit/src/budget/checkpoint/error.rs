//! Why a checkpoint was not written, or not taken.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A checkpoint could not be written.
#[derive(Debug)]
pub struct CheckpointError {
    path: PathBuf,
    source: io::Error,
}

impl CheckpointError {
    pub(super) fn new(path: &Path, source: io::Error) -> Self {
        Self { path: path.to_owned(), source }
    }

    /// What kind of failure it was.
    pub fn kind(&self) -> io::ErrorKind {
        self.source.kind()
    }
}

impl fmt::Display for CheckpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the SLO checkpoint {} can not be written", self.path.display())
    }
}

impl std::error::Error for CheckpointError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// Why a file, or what it holds of one SLO, is left aside.
#[derive(Debug)]
pub(super) enum Refusal {
    Unreadable(io::Error),
    NoCheckpoint,
    NewerVersion(u32),
    Damaged,
    OtherService(String),
    FromTheFuture,
    Unknown,
    OtherDefinition,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(err) => write!(f, "it can not be read: {err}"),
            Self::NoCheckpoint => f.write_str("it is no SLO checkpoint"),
            Self::NewerVersion(version) => {
                write!(f, "it has version {version}, which this program does not know")
            }
            Self::Damaged => f.write_str("it is damaged"),
            Self::OtherService(service) => write!(f, "it belongs to the service `{service}`"),
            Self::FromTheFuture => f.write_str("it was written later than now"),
            Self::Unknown => f.write_str("the SLO is not in it"),
            Self::OtherDefinition => {
                f.write_str("the SLO counted other events when it was written")
            }
        }
    }
}
