//! The error that names a phase.

use std::error::Error;
use std::fmt;

use tower::BoxError;

/// A phase of opening a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectPhase {
    /// The resolution of the host's name.
    Dns,
    /// The TCP connection.
    Tcp,
    /// The TLS handshake.
    Tls,
}

/// The error of a connection that could not be opened, with its phase.
///
/// The innermost error of a chain names the phase: that of a resolver lies inside of that of its
/// connector.
pub struct ConnectError {
    phase: ConnectPhase,
    source: BoxError,
}

impl ConnectError {
    pub(super) fn new(phase: ConnectPhase, source: BoxError) -> Self {
        Self { phase, source }
    }

    /// Returns the phase that failed.
    pub fn phase(&self) -> ConnectPhase {
        self.phase
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.phase {
            ConnectPhase::Dns => "could not resolve the host's name",
            ConnectPhase::Tcp => "could not connect",
            ConnectPhase::Tls => "could not establish TLS",
        })
    }
}

impl fmt::Debug for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectError")
            .field("phase", &self.phase)
            .field("source", &self.source)
            .finish()
    }
}

impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}
