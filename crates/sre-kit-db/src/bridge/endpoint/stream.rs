//! A connection of sqlx, over a Unix socket or over 127.0.0.1.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

#[cfg(unix)]
pin_project! {
    #[project = Projected]
    pub(crate) enum LocalStream {
        Unix { #[pin] io: UnixStream },
        Tcp { #[pin] io: TcpStream },
    }
}

#[cfg(not(unix))]
pin_project! {
    #[project = Projected]
    pub(crate) enum LocalStream {
        Tcp { #[pin] io: TcpStream },
    }
}

impl LocalStream {
    /// Waits until there is something to read, or the end.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        match self {
            #[cfg(unix)]
            Self::Unix { io } => io.readable().await,
            Self::Tcp { io } => io.readable().await,
        }
    }

    /// Reads without waiting.
    pub(crate) fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            #[cfg(unix)]
            Self::Unix { io } => io.try_read(buf),
            Self::Tcp { io } => io.try_read(buf),
        }
    }
}

impl AsyncRead for LocalStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.project() {
            #[cfg(unix)]
            Projected::Unix { io } => io.poll_read(cx, buf),
            Projected::Tcp { io } => io.poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for LocalStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.project() {
            #[cfg(unix)]
            Projected::Unix { io } => io.poll_write(cx, buf),
            Projected::Tcp { io } => io.poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.project() {
            #[cfg(unix)]
            Projected::Unix { io } => io.poll_flush(cx),
            Projected::Tcp { io } => io.poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.project() {
            #[cfg(unix)]
            Projected::Unix { io } => io.poll_shutdown(cx),
            Projected::Tcp { io } => io.poll_shutdown(cx),
        }
    }
}
