//! The detection of the protocol from the first bytes of a connection.
//!
//! hyper-util can detect it as well, but waits for the first bytes without a bound: a client that
//! connects and sends nothing would hold its connection permit forever.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::connection::Connection;
use super::connection_end::ConnectionEnd;
use super::drive::FIRST_REQUEST_TIME;
use super::phase::Phase;
use super::socket::Socket;

/// The first bytes that an HTTP/2 client sends (RFC 9113, section 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The protocol of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// Returns the protocol, or `None` as long as more bytes are needed.
fn protocol_of(bytes: &[u8]) -> Option<Protocol> {
    if bytes.len() >= PREFACE.len() && bytes.starts_with(PREFACE) {
        Some(Protocol::Http2)
    } else if PREFACE.starts_with(bytes) {
        None
    } else {
        Some(Protocol::Http1)
    }
}

/// Reads until the protocol is known, at most until `deadline`, and puts the bytes back into the
/// socket.
pub(super) async fn detect(
    socket: &mut Socket,
    connection: &Arc<Connection>,
    deadline: Instant,
) -> Result<Protocol, ConnectionEnd> {
    use ConnectionEnd::{Done, Evicted, HeaderTimeout, Incomplete, Io, Unfinished};

    let mut bytes = [0; PREFACE.len()];
    let mut buf = ReadBuf::new(&mut bytes);
    let mut timer = pin!(sleep_until(deadline));
    let mut closing = false;
    let protocol = poll_fn(|cx| {
        loop {
            let before = buf.filled().len();
            let read = Pin::new(&mut *socket).poll_read(cx, &mut buf);
            match connection.shared.phase() {
                Phase::Cut | Phase::Aborted => return Poll::Ready(Err(Unfinished)),
                Phase::Closing if !closing => {
                    closing = true;
                    shorten(timer.as_mut());
                }
                _ => {}
            }
            match read {
                Poll::Ready(Ok(())) if buf.filled().len() == before => {
                    // A TCP health check connects and closes without a byte.
                    let clean = before == 0;
                    return Poll::Ready(Err(if clean { Done } else { Incomplete }));
                }
                Poll::Ready(Ok(())) => {
                    if let Some(protocol) = protocol_of(buf.filled()) {
                        return Poll::Ready(Ok(protocol));
                    }
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(Io(error))),
                Poll::Pending => {
                    if connection.state.is_evicted() {
                        return Poll::Ready(Err(Evicted));
                    }
                    if timer.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                    // No byte of a request has arrived, so none is lost.
                    let clean = closing && before == 0;
                    return Poll::Ready(Err(if clean { Done } else { HeaderTimeout }));
                }
            }
        }
    })
    .await?;
    socket.put_back(buf.filled());
    Ok(protocol)
}

/// Resets `timer` to the time for a first request, if that is sooner.
pub(super) fn shorten(timer: Pin<&mut Sleep>) {
    let soon = Instant::now() + FIRST_REQUEST_TIME;
    if soon < timer.deadline() {
        timer.reset(soon);
    }
}

#[cfg(test)]
mod tests {
    use super::{PREFACE, Protocol, protocol_of};

    #[test]
    fn the_first_byte_that_differs_from_the_preface_decides() {
        assert_eq!(protocol_of(b"G"), Some(Protocol::Http1));
        assert_eq!(protocol_of(b"PUT "), Some(Protocol::Http1));
        assert_eq!(protocol_of(b"PRO"), Some(Protocol::Http1));
        assert_eq!(protocol_of(b"PRI * HTTP/1.1"), Some(Protocol::Http1));
        assert_eq!(protocol_of(PREFACE), Some(Protocol::Http2));
        for len in 0..PREFACE.len() {
            assert_eq!(protocol_of(&PREFACE[..len]), None, "{len} bytes");
        }
    }
}
