//! The errors that end the program, and their exit codes.

use std::fmt;
use std::process::ExitCode;

use sre_kit::ConfigError;
use sre_kit::db::DbError;

/// An error that ends the program.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A setting cannot work.
    Setting(ConfigError),
    /// The database cannot be reached or migrated.
    Database(DbError),
    /// Any other error, such as a file that cannot be written.
    Other(std::io::Error),
}

impl Failure {
    /// Returns the exit code.
    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Other(_) => 1,
            Self::Setting(_) => 2,
            Self::Database(_) => 3,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setting(error) => error.fmt(f),
            Self::Database(error) => write!(
                f,
                "the database cannot be used: {error}; check --database-url and that the database is up"
            ),
            Self::Other(error) => error.fmt(f),
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Setting(error)
    }
}

impl From<DbError> for Failure {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Other(error)
    }
}
