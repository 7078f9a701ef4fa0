//! The accept loop: accepts connections until the server stops, whatever fails.

use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};
use tokio_util::either::Either;

use super::connection::{Connection, OpenGuard};
use super::connection_end::ConnectionEnd;
use super::detect::{Protocol, detect};
use super::dispatch::{Http1Dispatch, Http2Dispatch};
use super::drive::Drive;
use super::http_service::HttpService;
use super::listeners::{Accepted, Listener};
use super::settings::Settings;
use super::shared::Shared;
use super::socket::Socket;
use super::stats::AcceptFailure;
use super::stream_executor::StreamExecutor;
use super::transport::{RawStream, Transport, plain};

/// The first pause after a failed `accept`, as in Go's `net/http`.
const FIRST_PAUSE: Duration = Duration::from_millis(5);

/// The longest pause after a failed `accept`, as in Go's `net/http`.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How long a new connection waits before it is looked again for one that can make room.
const EVICTION_PAUSE: Duration = Duration::from_millis(50);

/// How long the connections that make room have to end before others are asked to. Their tasks end
/// when they are next polled, which takes a moment if the processors are busy.
const EVICTION_TIME: Duration = Duration::from_secs(1);

/// Hyper's builders of connections for both protocols, made once per server.
struct HyperBuilders {
    http1: http1::Builder,
    http2: http2::Builder<StreamExecutor>,
}

impl HyperBuilders {
    fn new(shared: &Arc<Shared>) -> Self {
        let settings = &shared.settings;
        let mut http1 = http1::Builder::new();
        http1
            .timer(TokioTimer::new())
            // Off: `Drive` bounds the request head and the idle time separately.
            .header_read_timeout(None)
            .max_header_size(settings.max_header_size);
        let mut http2 = http2::Builder::new(StreamExecutor::new(shared));
        http2
            .timer(TokioTimer::new())
            .max_header_list_size(u32::try_from(settings.max_header_size).unwrap_or(u32::MAX))
            .max_concurrent_streams(settings.max_concurrent_streams)
            .keep_alive_interval(settings.keep_alive_interval)
            .keep_alive_timeout(settings.keep_alive_timeout);
        Self { http1, http2 }
    }
}

/// What the accept loops of one server need. It is cloned for every connection.
#[derive(Clone)]
pub(super) struct Acceptor<S> {
    shared: Arc<Shared>,
    hyper: Arc<HyperBuilders>,
    /// One permit per open connection.
    permits: Arc<Semaphore>,
    service: S,
}

impl<S: HttpService> Acceptor<S> {
    pub(super) fn new(shared: Arc<Shared>, service: S) -> Self {
        Self {
            hyper: Arc::new(HyperBuilders::new(&shared)),
            permits: Arc::new(Semaphore::new(shared.max_connections())),
            shared,
            service,
        }
    }

    /// Accepts the connections of `listener` until the server stops.
    pub(super) async fn run(self, listener: Listener) {
        let stop = self.shared.stop.clone();
        let mut pause = FIRST_PAUSE;
        // An accepted connection that waits for a permit.
        let mut waiting = None;
        loop {
            // The service need not be `Sync`, so it is not borrowed across a wait.
            let next = next(&self.shared, &self.permits, &listener, &mut waiting, &mut pause);
            let Some(permit) = stop.run_until_cancelled(next).await else { break };
            if let Some(accepted) = waiting.take() {
                self.open(accepted, permit);
            }
        }
        if let Some(accepted) = waiting
            && let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned()
        {
            self.open(accepted, permit);
        }
        // Closing the listener would reset clients that the kernel has already connected. Their
        // number is bounded by the backlog and by the permits.
        while let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            match listener.accept().now_or_never() {
                Some(Ok(accepted)) => self.open(accepted, permit),
                Some(Err(_)) | None => break,
            }
        }
        drop(listener);
        self.shared.listener_closed();
    }

    /// Serves an accepted connection in a task of its own.
    fn open(&self, accepted: Accepted, permit: OwnedSemaphorePermit) {
        let Accepted { stream, peer } = accepted;
        let shared = &self.shared;
        shared.stats.connection_accepted();
        let Ok(local) = prepare(&stream, &shared.settings) else {
            // The client has gone already; no request is lost.
            return;
        };
        let (connection, guard) = Connection::open(shared, peer, local, permit);
        let acceptor = self.clone();
        tokio::spawn(async move {
            let serving = AssertUnwindSafe(acceptor.serve(stream, guard, &connection));
            let end = serving.catch_unwind().await.unwrap_or(ConnectionEnd::Panic);
            let shared = &connection.shared;
            shared.released(&connection.state);
            if let Some(reason) = shared.stats.connection_ended(&end) {
                let listener = &shared.settings.name;
                tracing::debug!(listener, ?peer, reason, error = %end, "connection ended badly");
            }
        });
    }

    /// Serves `connection` until hyper releases it.
    async fn serve(
        self,
        stream: RawStream,
        guard: OpenGuard,
        connection: &Arc<Connection>,
    ) -> ConnectionEnd {
        let transport = match secure(stream, connection).await {
            Ok(transport) => transport,
            Err(end) => return end,
        };
        let mut socket = Socket::new(transport, Arc::clone(connection), guard);
        let first_head = Instant::now() + connection.shared.settings.header_read_timeout;
        let protocol = match detect(&mut socket, connection, first_head).await {
            Ok(protocol) => protocol,
            Err(end) => return end,
        };
        let io = TokioIo::new(socket.driven());
        if protocol == Protocol::Http2 {
            connection.state.set_multiplexed();
        }
        match protocol {
            Protocol::Http1 => {
                let dispatch = Http1Dispatch::new(self.service, Arc::clone(connection));
                let hyper = self.hyper.http1.serve_connection(io, dispatch).with_upgrades();
                Drive::new(hyper, Arc::clone(connection), first_head).await
            }
            Protocol::Http2 => {
                let dispatch = Http2Dispatch::new(self.service, Arc::clone(connection));
                let hyper = self.hyper.http2.serve_connection(io, dispatch);
                Drive::new(hyper, Arc::clone(connection), first_head).await
            }
        }
    }
}

/// Accepts the next connection into `accepted`, and returns a permit for it. Retries after any
/// failure.
///
/// A connection that waits for its client gives its permit up for the new one. Without a new one, all
/// permits may be taken.
async fn next(
    shared: &Shared,
    permits: &Arc<Semaphore>,
    listener: &Listener,
    accepted: &mut Option<Accepted>,
    pause: &mut Duration,
) -> OwnedSemaphorePermit {
    while accepted.is_none() {
        match listener.accept().await {
            Ok(new) => {
                *pause = FIRST_PAUSE;
                *accepted = Some(new);
            }
            Err(error) => {
                let failure = shared.stats.accept_failed(&error);
                if failure == AcceptFailure::OfTheConnection {
                    continue;
                }
                let listener = &shared.settings.name;
                tracing::warn!(listener, %error, ?pause, "cannot accept, trying again");
                // The limit of connections is above that of open files, or other parts of the
                // process have used the files up.
                let makes_room = failure == AcceptFailure::TooManyFiles && make_room(shared) > 0;
                tokio::time::sleep(*pause).await;
                if !makes_room {
                    *pause = (*pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }
    if let Ok(permit) = Arc::clone(permits).try_acquire_owned() {
        return permit;
    }
    loop {
        let evicted = make_room(shared);
        let pause = if evicted > 0 { EVICTION_TIME } else { EVICTION_PAUSE };
        if let Ok(permit) = timeout(pause, Arc::clone(permits).acquire_owned()).await {
            return permit.expect("the semaphore is never closed");
        }
    }
}

/// Asks connections that wait for their clients to end. Returns how many there are.
fn make_room(shared: &Shared) -> usize {
    // Several at once: finding them reads the state of each connection, and a flood of connections
    // must not hold up the next client.
    shared.evict((shared.max_connections() / 16).clamp(1, 64))
}

/// Sets the socket options and returns the local address, which a Unix socket has not.
fn prepare(stream: &RawStream, settings: &Settings) -> io::Result<Option<SocketAddr>> {
    let Either::Left(stream) = stream else { return Ok(None) };
    if settings.nodelay {
        stream.set_nodelay(true)?;
    }
    stream.local_addr().map(Some)
}

/// Returns the transport of an accepted connection, after the TLS handshake if the server has TLS.
#[cfg_attr(not(feature = "tls"), allow(clippy::unused_async, reason = "TLS has a handshake"))]
async fn secure(
    stream: RawStream,
    connection: &Arc<Connection>,
) -> Result<Transport, ConnectionEnd> {
    #[cfg(feature = "tls")]
    let stream = match (&connection.shared.settings.tls, stream) {
        (Some(tls), Either::Left(stream)) => {
            let stream = super::tls::handshake(tls, stream, connection).await?;
            return Ok(Either::Right(Box::new(stream)));
        }
        (_, stream) => stream,
    };
    #[cfg(not(feature = "tls"))]
    let _ = connection;
    Ok(plain(stream))
}
