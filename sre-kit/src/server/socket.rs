//! The socket under hyper: it counts as open until it is dropped, and can be closed by force.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connection::{Connection, OpenGuard};
use super::phase::Phase;
use super::transport::Transport;

/// A transport with the bytes that were read ahead to detect its protocol.
pub(super) struct Socket {
    stream: Transport,
    ahead: Bytes,
    connection: Arc<Connection>,
    /// Whether [`Drive`](super::drive::Drive) registers its task and checks the phase.
    driven: bool,
    _guard: OpenGuard,
}

impl Socket {
    pub(super) fn new(stream: Transport, connection: Arc<Connection>, guard: OpenGuard) -> Self {
        Self { stream, ahead: Bytes::new(), connection, driven: false, _guard: guard }
    }

    /// Puts bytes back, to be read again.
    pub(super) fn put_back(&mut self, bytes: &[u8]) {
        self.ahead = Bytes::copy_from_slice(bytes);
    }

    /// Leaves it to the [`Drive`](super::drive::Drive) to watch the phase, until an upgrade handler
    /// takes the socket over.
    pub(super) fn driven(mut self) -> Self {
        self.driven = true;
        self
    }

    /// Records whether the client takes what is written.
    fn wrote(&self, polled: &Poll<io::Result<usize>>) {
        match polled {
            Poll::Ready(Ok(_)) => self.connection.state.wrote(),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => {
                self.connection.state.write_blocked(|| self.connection.shared.millis());
            }
        }
    }

    /// Returns an error if upgraded connections are closed by force.
    ///
    /// Only an upgraded socket gets there: for others `Drive` checks the phase first.
    fn check(&self) -> io::Result<()> {
        if self.connection.shared.phase() == Phase::Aborted {
            return Err(io::Error::new(
                io::ErrorKind::ConnectionAborted,
                "the drain is over and this connection was cut off",
            ));
        }
        Ok(())
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.driven || self.connection.state.is_upgrading() {
            // Registered before the phase is read, so that no change of it is missed.
            self.connection.state.waker.register(cx.waker());
            self.check()?;
        }
        if self.ahead.has_remaining() {
            let len = self.ahead.len().min(buf.remaining());
            buf.put_slice(&self.ahead.split_to(len));
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        let polled = match Pin::new(&mut self.stream).poll_read(cx, buf) {
            // A client that leaves without TLS's `close_notify`, as many do. HTTP tells itself where
            // a message ends, so that a cut cannot pass for an end.
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Poll::Ready(Ok(()))
            }
            polled => polled,
        };
        if buf.filled().len() > before {
            self.connection.state.bytes_arrived(&buf.filled()[before..]);
        }
        polled
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        let polled = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.wrote(&polled);
        polled
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.wrote(&polled);
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Only TLS has something to flush.
        let polled = Pin::new(&mut self.stream).poll_flush(cx);
        match &polled {
            Poll::Ready(Ok(())) => self.connection.state.write_unblocked(),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => {
                self.connection.state.write_blocked(|| self.connection.shared.millis());
            }
        }
        polled
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
