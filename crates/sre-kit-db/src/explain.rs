//! From errors of sqlx to errors of the database.

#[cfg(any(feature = "postgres", feature = "sqlite"))]
use sqlx::Error;

#[cfg(feature = "postgres")]
use crate::bridge::FailedLogin;
#[cfg(feature = "postgres")]
use crate::bridge::sqlstate::{
    CANNOT_CONNECT_NOW, CONNECTION_FAILURE, NO_DATABASE, UNABLE_TO_CONNECT,
};
#[cfg(any(feature = "postgres", feature = "sqlite"))]
use crate::error::{DbError, DbErrorKind};

/// Explains an error of a PostgreSQL pool. `login` is the last login, if it failed.
#[cfg(feature = "postgres")]
pub(crate) fn postgres_error(error: Error, login: Option<FailedLogin>) -> DbError {
    let without_credentials = login.as_ref().is_some_and(|login| login.without_credentials);
    let unreachable =
        if without_credentials { DbErrorKind::Credentials } else { DbErrorKind::Unreachable };
    let explained = match (&error, login) {
        (Error::Database(error), _) => match error.code().as_deref() {
            Some(UNABLE_TO_CONNECT) => {
                DbError::new(DbErrorKind::Unreachable, error.message()).permanent()
            }
            Some(CONNECTION_FAILURE) => DbError::new(unreachable, error.message()),
            Some(CANNOT_CONNECT_NOW) => DbError::new(DbErrorKind::Unreachable, error.message()),
            Some(NO_DATABASE) => DbError::new(DbErrorKind::Refused, error.message()).permanent(),
            _ => DbError::new(DbErrorKind::Refused, error.message()),
        },
        (Error::PoolTimedOut, Some(login)) => DbError::new(DbErrorKind::TimedOut, login.reason),
        (Error::PoolTimedOut, None) => DbError::new(DbErrorKind::TimedOut, &error),
        (error, _) => DbError::new(DbErrorKind::Unreachable, error),
    };
    explained.caused_by(error)
}

/// Explains an error of a SQLite pool. It is permanent: what cannot be opened now cannot be opened
/// in a second.
#[cfg(feature = "sqlite")]
pub(crate) fn sqlite_error(error: Error) -> DbError {
    DbError::new(DbErrorKind::Unreachable, &error).permanent().caused_by(error)
}

#[cfg(all(test, feature = "postgres"))]
mod tests {
    use std::error::Error as _;

    use super::{DbErrorKind, Error, FailedLogin, postgres_error};

    #[test]
    fn a_timeout_is_explained_by_the_last_login_and_keeps_its_source() {
        let login = FailedLogin { reason: "no room".into(), without_credentials: false };
        let error = postgres_error(Error::PoolTimedOut, Some(login));
        assert_eq!((error.kind(), error.to_string().as_str()), (DbErrorKind::TimedOut, "no room"));
        assert!(!error.is_permanent());
        let source = error.source().and_then(|source| source.downcast_ref::<Error>());
        assert!(matches!(source, Some(Error::PoolTimedOut)), "{source:?}");
        assert_eq!(postgres_error(Error::PoolTimedOut, None).kind(), DbErrorKind::TimedOut);
    }
}
