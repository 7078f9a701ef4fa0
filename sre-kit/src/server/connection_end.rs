//! How a connection ended.

use std::error::Error;
use std::fmt;
use std::io;

/// The way in which a connection ended.
pub(super) enum ConnectionEnd {
    /// Both sides agreed to end it, or an upgrade handler took the socket over.
    Done,
    /// A request head did not arrive in time.
    HeaderTimeout,
    /// The client took no byte of a response for too long.
    WriteTimeout,
    /// The connection waited for its client when another one needed its place.
    Evicted,
    /// The client left in the middle of a request head.
    Incomplete,
    /// The TLS handshake did not end in time.
    #[cfg(feature = "tls")]
    TlsTimeout,
    /// The TLS handshake failed.
    #[cfg(feature = "tls")]
    Tls(io::Error),
    /// The socket failed.
    Io(io::Error),
    /// Hyper failed.
    Hyper(hyper::Error),
    /// The service panicked.
    Panic,
    /// The drain's time was over before the connection had ended.
    Unfinished,
}

impl fmt::Display for ConnectionEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::HeaderTimeout => f.write_str("no request head arrived in time"),
            Self::WriteTimeout => f.write_str("the client took no byte of the response in time"),
            Self::Evicted => f.write_str("it waited for its client and made room for another one"),
            Self::Incomplete => f.write_str("the client left in the middle of a request head"),
            #[cfg(feature = "tls")]
            Self::TlsTimeout => f.write_str("the TLS handshake did not end in time"),
            #[cfg(feature = "tls")]
            Self::Tls(error) => write!(f, "the TLS handshake failed: {error}"),
            Self::Io(error) => error.fmt(f),
            Self::Hyper(error) => match error.source() {
                Some(source) => write!(f, "{error}: {source}"),
                None => error.fmt(f),
            },
            Self::Panic => f.write_str("the service panicked"),
            Self::Unfinished => f.write_str("the drain was over"),
        }
    }
}
