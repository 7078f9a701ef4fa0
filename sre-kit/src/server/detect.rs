//! Which protocol a connection speaks, told by its first bytes.
//!
//! hyper-util can tell too, but its wait for the first bytes has no bound: a
//! client that connects and sends nothing would hold its place for ever.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::connection::Conn;
use super::drive::{Ended, LAST_CHANCE};
use super::shared::Phase;
use super::socket::Socket;

/// What an HTTP/2 client sends first (RFC 9113, section 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// `None` as long as more bytes are needed.
fn protocol_of(bytes: &[u8]) -> Option<Protocol> {
    if bytes.len() >= PREFACE.len() && bytes.starts_with(PREFACE) {
        Some(Protocol::Http2)
    } else if PREFACE.starts_with(bytes) {
        None
    } else {
        Some(Protocol::Http1)
    }
}

/// Reads until the protocol is known. The bytes stay to be read in the socket.
pub(super) async fn detect(socket: &mut Socket, conn: &Arc<Conn>) -> Result<Protocol, Ended> {
    let mut bytes = [0; PREFACE.len()];
    let mut buf = ReadBuf::new(&mut bytes);
    let deadline = Instant::now() + conn.shared.settings.header_read_timeout;
    let mut timer = pin!(sleep_until(deadline));
    let mut hurried = false;
    let protocol = poll_fn(|cx| {
        loop {
            let before = buf.filled().len();
            let read = Pin::new(&mut *socket).poll_read(cx, &mut buf);
            match conn.shared.phase() {
                Phase::Cut | Phase::Aborted => return Poll::Ready(Err(Ended::Unfinished)),
                Phase::Closing if !hurried => {
                    hurried = true;
                    hurry(timer.as_mut());
                }
                _ => {}
            }
            match read {
                Poll::Ready(Ok(())) if buf.filled().len() == before => {
                    // Connecting and leaving again is what a TCP health check does.
                    let clean = before == 0;
                    return Poll::Ready(Err(if clean { Ended::Done } else { Ended::Incomplete }));
                }
                Poll::Ready(Ok(())) => {
                    if let Some(protocol) = protocol_of(buf.filled()) {
                        return Poll::Ready(Ok(protocol));
                    }
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(Ended::Io(error))),
                Poll::Pending => {
                    if timer.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                    // Nothing was asked, so nothing is lost.
                    let clean = hurried && before == 0;
                    return Poll::Ready(Err(if clean {
                        Ended::Done
                    } else {
                        Ended::HeaderTimeout
                    }));
                }
            }
        }
    })
    .await?;
    socket.put_back(buf.filled());
    Ok(protocol)
}

fn hurry(timer: Pin<&mut Sleep>) {
    let soon = Instant::now() + LAST_CHANCE;
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
