//! Why a database cannot be used.

use std::fmt;

/// Why a database cannot be used. The text is for a person, and holds no secret.
#[derive(Debug)]
pub struct DbError {
    kind: DbErrorKind,
    message: String,
    is_final: bool,
}

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DbErrorKind {
    /// There are no credentials to log in with.
    Credentials,
    /// The server cannot be reached, or is not the one it should be.
    Unreachable,
    /// The server refuses the login.
    Refused,
    /// It took too long.
    TimedOut,
    /// Another process migrates, for longer than this one waits.
    Locked,
    /// A migration failed, or some are pending.
    Migration,
}

impl DbError {
    pub(crate) fn new(kind: DbErrorKind, message: impl fmt::Display) -> Self {
        Self { kind, message: message.to_string(), is_final: false }
    }

    /// No further try can help.
    pub(crate) fn finally(self) -> Self {
        Self { is_final: true, ..self }
    }

    pub(crate) fn is_final(&self) -> bool {
        self.is_final
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> DbErrorKind {
        self.kind
    }
}

impl fmt::Display for DbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for DbError {}
