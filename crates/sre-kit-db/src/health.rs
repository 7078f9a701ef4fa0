//! The health of a database.

use std::fmt;

/// The health of a database, as found by [`Db::check`](super::Db::check).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DbHealth {
    /// The database answers, and new logins can be expected to work.
    Up,
    /// The database answers, but there are no fresh credentials or new logins fail. Holds the
    /// reason.
    Degraded(String),
    /// The database does not answer. Holds the reason.
    Down(String),
}

impl fmt::Display for DbHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Up => f.write_str("up"),
            Self::Degraded(reason) => write!(f, "degraded: {reason}"),
            Self::Down(reason) => write!(f, "down: {reason}"),
        }
    }
}
