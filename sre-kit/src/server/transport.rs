//! The transport of one connection: TCP, TCP with TLS, or a Unix socket.

use tokio::net::TcpStream;

/// A connected socket.
#[cfg(unix)]
pub(super) type RawStream = tokio_util::either::Either<TcpStream, tokio::net::UnixStream>;

/// A connected socket.
#[cfg(not(unix))]
pub(super) type RawStream = tokio_util::either::Either<TcpStream, tokio::io::DuplexStream>;

/// A connected socket, after the TLS handshake if there is one.
#[cfg(feature = "tls")]
pub(super) type Transport =
    tokio_util::either::Either<RawStream, Box<tokio_rustls::server::TlsStream<TcpStream>>>;

/// A connected socket.
#[cfg(not(feature = "tls"))]
pub(super) type Transport = RawStream;

/// Returns the transport without TLS.
pub(super) fn plain(stream: RawStream) -> Transport {
    #[cfg(feature = "tls")]
    let stream = tokio_util::either::Either::Left(stream);
    stream
}
