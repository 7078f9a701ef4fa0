//! The error of a database.

use std::error::Error;
use std::fmt;

/// Why a database cannot be used.
///
/// The message is for a person and holds no secret. It includes the text of the
/// [`source`](Error::source), which is the error of sqlx or sea-orm behind it, if there is one.
#[derive(Debug)]
pub struct DbError {
    kind: DbErrorKind,
    message: String,
    is_permanent: bool,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// The kind of a [`DbError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DbErrorKind {
    /// There are no credentials to log in with.
    Credentials,
    /// The server cannot be reached, or it is not the configured one.
    Unreachable,
    /// The server rejects the login.
    Refused,
    /// No connection became free in time.
    TimedOut,
    /// Another process is migrating, for longer than the configured wait.
    Locked,
    /// A migration failed, or migrations are pending.
    Migration,
}

impl DbError {
    pub(crate) fn new(kind: DbErrorKind, message: impl fmt::Display) -> Self {
        Self { kind, message: message.to_string(), is_permanent: false, source: None }
    }

    pub(crate) fn caused_by(self, source: impl Error + Send + Sync + 'static) -> Self {
        Self { source: Some(Box::new(source)), ..self }
    }

    /// Marks the error as one that another attempt cannot change.
    pub(crate) fn permanent(self) -> Self {
        Self { is_permanent: true, ..self }
    }

    /// Returns whether the error is permanent: another attempt with the same settings cannot work.
    pub fn is_permanent(&self) -> bool {
        self.is_permanent
    }

    /// Returns the kind of the error.
    pub fn kind(&self) -> DbErrorKind {
        self.kind
    }
}

impl fmt::Display for DbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for DbError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}
