//! The error of a dial.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use super::tls::describe;

/// The error of a dial. The message holds no secret.
#[derive(Clone, Debug)]
pub(crate) struct DialError {
    pub(crate) kind: DialErrorKind,
    /// The value of the label `error_type`.
    pub(crate) error_type: &'static str,
    pub(crate) message: String,
    pub(crate) retry: Retry,
    /// The generation of the credentials that the server may have rejected. Newer credentials are
    /// worth another attempt.
    pub(crate) rejected_credential: Option<u64>,
    pub(crate) source: Option<Arc<dyn Error + Send + Sync>>,
}

/// The part of a dial that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DialErrorKind {
    /// There is no token.
    Credentials,
    /// The Admin API gives no certificate.
    #[cfg_attr(not(feature = "iam"), allow(dead_code, reason = "the connector's"))]
    AdminApi,
    /// The instance does not exist, or is not as it was described.
    #[cfg_attr(not(feature = "iam"), allow(dead_code, reason = "the connector's"))]
    Instance,
    /// The network does not lead to the server.
    Unreachable,
    /// TLS failed: the server has no valid certificate for its name, or speaks no suitable TLS.
    Tls,
    /// The server and this client do not agree on how to log in.
    Login,
    /// A phase took too long.
    TimedOut,
}

/// Whether another attempt may work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retry {
    /// In a moment: the server starts, or the network is unstable.
    Soon,
    /// After an operator has repaired something.
    Later,
    /// Not with these settings.
    Never,
}

impl DialError {
    pub(crate) fn new(
        kind: DialErrorKind,
        error_type: &'static str,
        message: impl fmt::Display,
    ) -> Self {
        Self {
            kind,
            error_type,
            message: message.to_string(),
            retry: Retry::Later,
            rejected_credential: None,
            source: None,
        }
    }

    pub(crate) fn timed_out(message: impl fmt::Display) -> Self {
        Self::new(DialErrorKind::TimedOut, "timeout", message).transient()
    }

    /// Creates the error for an I/O error. Most of them are worth another attempt.
    pub(crate) fn io(
        kind: DialErrorKind,
        what: impl fmt::Display,
        error: impl Into<std::io::Error>,
    ) -> Self {
        use std::io::ErrorKind;
        let error = error.into();
        let (error_type, retry) = match error.kind() {
            ErrorKind::ConnectionRefused => ("refused", Retry::Soon),
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof => {
                ("reset", Retry::Soon)
            }
            ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
                ("unreachable", Retry::Soon)
            }
            ErrorKind::InvalidData => ("protocol", Retry::Later),
            _ => ("io", Retry::Later),
        };
        let message = format_args!("{what}: {}", describe(&error)).to_string();
        Self { retry, ..Self::new(kind, error_type, message) }.caused_by(error)
    }

    pub(crate) fn caused_by(self, source: impl Error + Send + Sync + 'static) -> Self {
        Self { source: Some(Arc::new(source)), ..self }
    }

    pub(crate) fn rejecting(self, generation: u64) -> Self {
        Self { rejected_credential: Some(generation), ..self }
    }

    pub(crate) fn transient(self) -> Self {
        Self { retry: Retry::Soon, ..self }
    }

    pub(crate) fn permanent(self) -> Self {
        Self { retry: Retry::Never, ..self }
    }
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for DialError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}
