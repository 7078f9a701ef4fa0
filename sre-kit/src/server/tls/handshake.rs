//! The TLS handshake of one connection.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::{ServerTls, TlsInfo};
use crate::server::connection::Connection;
use crate::server::connection_end::ConnectionEnd;
use crate::server::detect::shorten;
use crate::server::phase::Phase;

/// Returns the stream after its handshake, and enters the result into `connection`.
pub(in crate::server) async fn handshake(
    tls: &ServerTls,
    stream: TcpStream,
    connection: &Arc<Connection>,
) -> Result<TlsStream<TcpStream>, ConnectionEnd> {
    use ConnectionEnd::{Done, Evicted, Io, Tls, TlsTimeout, Unfinished};

    let acceptor = TlsAcceptor::from(Arc::clone(&*tls.config.get()));
    let arrived = AtomicBool::new(false);
    let mut shaking = pin!(async {
        // A TCP health check connects and closes without a byte.
        if stream.peek(&mut [0]).await.map_err(Io)? == 0 {
            return Err(Done);
        }
        arrived.store(true, Ordering::Relaxed);
        acceptor.accept(stream).await.map_err(Tls)
    });
    let mut timer = pin!(sleep_until(Instant::now() + tls.handshake_timeout));
    let mut closing = false;
    let stream = poll_fn(|cx| {
        // Registered before the phase is read, so that no change of it is missed.
        connection.state.waker.register(cx.waker());
        match connection.shared.phase() {
            Phase::Cut | Phase::Aborted => return Poll::Ready(Err(Unfinished)),
            Phase::Closing if !closing => {
                closing = true;
                shorten(timer.as_mut());
            }
            _ => {}
        }
        if let Poll::Ready(result) = shaking.as_mut().poll(cx) {
            return Poll::Ready(result);
        }
        if connection.state.is_evicted() {
            return Poll::Ready(Err(Evicted));
        }
        if timer.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        // No byte of a request has arrived, so none is lost.
        let clean = closing && !arrived.load(Ordering::Relaxed);
        Poll::Ready(Err(if clean { Done } else { TlsTimeout }))
    })
    .await?;
    // Set once: a connection has one handshake.
    let _ = connection.tls.set(TlsInfo::of(stream.get_ref().1));
    Ok(stream)
}
