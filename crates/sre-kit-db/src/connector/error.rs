//! The error of a connection.

use std::fmt;

use crate::transport::{DialError, DialErrorKind, Retry};

/// Why no connection to an instance could be made.
///
/// The message is for a person and holds no secret. It includes the text of the
/// [`source`](std::error::Error::source), which is the I/O or token error behind it, if there is
/// one.
#[derive(Clone, Debug)]
pub struct ConnectorError {
    inner: DialError,
}

/// The kind of a [`ConnectorError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectorErrorKind {
    /// The token source gave no token.
    Credentials,
    /// The Admin API could not be reached, refused the request, or gave no usable answer.
    AdminApi,
    /// The instance does not exist, is in another region, has no address of the wanted kind, or is
    /// not PostgreSQL.
    Instance,
    /// No TCP connection to the instance could be made.
    Unreachable,
    /// The TLS handshake failed: the server is not the instance, speaks no TLS 1.3, or broke off.
    Tls,
    /// A step took longer than 5 s.
    TimedOut,
}

impl ConnectorError {
    pub(super) fn new(inner: DialError) -> Self {
        Self { inner }
    }

    /// Returns the kind of the error.
    pub fn kind(&self) -> ConnectorErrorKind {
        match self.inner.kind {
            DialErrorKind::Credentials => ConnectorErrorKind::Credentials,
            DialErrorKind::AdminApi => ConnectorErrorKind::AdminApi,
            DialErrorKind::Instance => ConnectorErrorKind::Instance,
            DialErrorKind::Unreachable => ConnectorErrorKind::Unreachable,
            // Only the bridge logs in.
            DialErrorKind::Tls | DialErrorKind::Login => ConnectorErrorKind::Tls,
            DialErrorKind::TimedOut => ConnectorErrorKind::TimedOut,
        }
    }

    /// Returns whether the error is permanent: another attempt with the same settings cannot work.
    pub fn is_permanent(&self) -> bool {
        self.inner.retry == Retry::Never
    }
}

impl fmt::Display for ConnectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl std::error::Error for ConnectorError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.inner)
    }
}
