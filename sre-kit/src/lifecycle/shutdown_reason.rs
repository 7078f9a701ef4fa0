//! Why a shutdown began.

use std::borrow::Cow;
use std::fmt;

/// The reason why a process shuts down.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ShutdownReason {
    /// The process got a signal; this is its name.
    Signal(&'static str),
    /// The program requested the shutdown; this is the reason that it gave.
    Requested(Cow<'static, str>),
}

impl fmt::Display for ShutdownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal(name) => f.write_str(name),
            Self::Requested(reason) => f.write_str(reason),
        }
    }
}
