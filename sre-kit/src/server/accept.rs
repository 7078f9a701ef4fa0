//! The accept loop: takes connections until told to stop, whatever fails.

use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::BoxError;
use tower_service::Service;

use super::connection::Conn;
use super::detect::{Protocol, detect};
use super::drive::{Drive, Ended};
use super::service::Dispatch;
use super::settings::Settings;
use super::shared::Shared;
use super::socket::Socket;

/// First and longest pause after a failed `accept`: those of Go's `net/http`.
const PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_secs(1));

/// Hyper's settings for both protocols, made once per server.
pub(super) struct Protocols {
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
}

impl Protocols {
    pub(super) fn new(settings: &Settings) -> Self {
        let mut http1 = http1::Builder::new();
        http1
            .timer(TokioTimer::new())
            // `Drive` bounds the head and the idle time separately.
            .header_read_timeout(None)
            .max_header_size(settings.max_header_size);
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .max_header_list_size(u32::try_from(settings.max_header_size).unwrap_or(u32::MAX))
            .max_concurrent_streams(settings.max_concurrent_streams)
            .keep_alive_interval(settings.keep_alive_interval)
            .keep_alive_timeout(settings.keep_alive_timeout);
        Self { http1, http2 }
    }
}

/// One accept loop. Cloned for every connection.
#[derive(Clone)]
pub(super) struct Acceptor<S> {
    pub(super) shared: Arc<Shared>,
    pub(super) protocols: Arc<Protocols>,
    pub(super) permits: Arc<Semaphore>,
    pub(super) service: S,
}

impl<S, B> Acceptor<S>
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<BoxError>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    /// Accepts until the server stops.
    pub(super) async fn run(self, listener: TcpListener) {
        let stop = self.shared.stop.clone();
        let mut pause = PAUSES.0;
        loop {
            // The service need not be `Sync`, so it is not borrowed across a wait.
            let next = next(&self.shared, &self.permits, &listener, &mut pause);
            let Some(accepted) = stop.run_until_cancelled(next).await else { break };
            let (stream, peer, permit) = accepted;
            self.open(stream, peer, permit);
        }
        // Clients that the kernel has already connected would be reset. Their
        // number is bounded by the backlog, and by the permits.
        while let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            match listener.accept().now_or_never() {
                Some(Ok((stream, peer))) => self.open(stream, peer, permit),
                Some(Err(_)) | None => break,
            }
        }
        drop(listener);
        self.shared.listener_closed();
    }

    fn open(&self, stream: TcpStream, peer: SocketAddr, permit: OwnedSemaphorePermit) {
        let shared = &self.shared;
        shared.stats.accepted();
        let Ok(local) = prepare(&stream, &shared.settings) else {
            // Gone before it began: nothing was asked of it.
            return;
        };
        let (conn, open) = shared.enter(peer, local, permit);
        let socket = Socket::new(stream, Arc::clone(&conn), open);
        let acceptor = self.clone();
        tokio::spawn(async move {
            let serving = acceptor.serve(socket, &conn);
            let ended = AssertUnwindSafe(serving).catch_unwind().await.unwrap_or(Ended::Panic);
            conn.shared.released(&conn);
            if let Some(reason) = conn.shared.stats.ended(&ended) {
                let listener = &conn.shared.settings.name;
                tracing::debug!(listener, %peer, reason, error = %ended, "connection ended badly");
            }
        });
    }

    async fn serve(self, mut socket: Socket, conn: &Arc<Conn>) -> Ended {
        let protocol = match detect(&mut socket, conn).await {
            Ok(protocol) => protocol,
            Err(ended) => return ended,
        };
        let io = TokioIo::new(socket);
        if protocol == Protocol::Http2 {
            conn.set_multiplexed();
        }
        let dispatch = Dispatch::new(self.service, Arc::clone(conn));
        match protocol {
            Protocol::Http1 => {
                let hyper = self.protocols.http1.serve_connection(io, dispatch).with_upgrades();
                Drive::new(hyper, Arc::clone(conn)).await
            }
            Protocol::Http2 => {
                let hyper = self.protocols.http2.serve_connection(io, dispatch);
                Drive::new(hyper, Arc::clone(conn)).await
            }
        }
    }
}

/// The next connection. Waits for a place first, and goes on after any failure.
async fn next(
    shared: &Shared,
    permits: &Arc<Semaphore>,
    listener: &TcpListener,
    pause: &mut Duration,
) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    let permit = Arc::clone(permits).acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                *pause = PAUSES.0;
                return (stream, peer, permit);
            }
            Err(error) => {
                if shared.stats.accept_failed(&error) {
                    continue;
                }
                let listener = &shared.settings.name;
                tracing::warn!(listener, %error, ?pause, "cannot accept, trying again");
                tokio::time::sleep(*pause).await;
                *pause = (*pause * 2).min(PAUSES.1);
            }
        }
    }
}

fn prepare(stream: &TcpStream, settings: &Settings) -> io::Result<SocketAddr> {
    if settings.nodelay {
        stream.set_nodelay(true)?;
    }
    stream.local_addr()
}
