//! RunningServer HTTP over TCP, and ending it without losing a request.

mod accept;
mod connection;
mod detect;
mod drive;
mod metrics;
mod service;
mod settings;
mod shared;
mod signal;
mod socket;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};
use tower::BoxError;
use tower_service::Service;

use accept::{Acceptor, Protocols};
use shared::{Phase, Shared};

/// How long connections that are cut off have to notice.
const CUT_TIME: Duration = Duration::from_millis(100);

pub use connection::ConnectionInfo;
pub use metrics::ConnectionMetrics;
pub use settings::ServerBuilder;
pub use signal::DrainSignal;

/// A server for HTTP/1 and HTTP/2 with bounds on everything a client can hold.
///
/// It takes any tower service of `Request<Incoming>` that is `Clone`: one of
/// hyper, an `axum::Router`, tonic's `Routes`. HTTP/1 with upgrades and HTTP/2
/// (prior knowledge, as gRPC speaks it in a cluster) are told apart by their
/// first bytes.
///
/// ```
/// use std::time::Duration;
/// use sre_kit::server::Server;
/// # use bytes::Bytes;
/// # use http_body_util::Full;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// let service = tower::service_fn(|_request: http::Request<hyper::body::Incoming>| async {
///     Ok::<_, std::convert::Infallible>(http::Response::new(Full::new(Bytes::from("hello"))))
/// });
/// let serving = Server::builder().build()?.start(listener, service);
/// // ... later:
/// let cut_off = serving.shutdown(Duration::from_secs(20)).await;
/// assert!(cut_off.is_empty());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// # What fails
///
/// A failed `accept`, such as for want of file descriptors, is counted and tried
/// again after a pause; it never ends the loop. What goes wrong on a connection
/// is counted and logged at debug level; a panic of the service ends its
/// connection and no other. See [`ConnectionMetrics`].
pub struct Server {
    shared: Arc<Shared>,
}

impl Server {
    /// Returns a builder.
    pub fn builder() -> ServerBuilder {
        ServerBuilder::new()
    }

    /// Serves connections of `listeners` with clones of `service`, in the background.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub fn start<S, B>(self, listeners: impl Into<Listeners>, service: S) -> RunningServer
    where
        S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
        S::Future: Send + 'static,
        S::Error: Into<BoxError>,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        let Self { shared } = self;
        let acceptor = Acceptor {
            protocols: Arc::new(Protocols::new(&shared.settings)),
            permits: Arc::new(Semaphore::new(shared.settings.max_connections)),
            shared: Arc::clone(&shared),
            service,
        };
        for listener in listeners.into().0 {
            shared.listener_opened();
            tokio::spawn(acceptor.clone().run(listener));
        }
        RunningServer { shared }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("settings", &self.shared.settings).finish()
    }
}

/// Bound listeners: one, or a list.
#[derive(Debug)]
pub struct Listeners(Vec<TcpListener>);

impl From<TcpListener> for Listeners {
    fn from(listener: TcpListener) -> Self {
        Self(vec![listener])
    }
}

impl From<Vec<TcpListener>> for Listeners {
    fn from(listeners: Vec<TcpListener>) -> Self {
        Self(listeners)
    }
}

impl<const N: usize> From<[TcpListener; N]> for Listeners {
    fn from(listeners: [TcpListener; N]) -> Self {
        Self(listeners.into())
    }
}

/// What was cut off because the time for the drain was over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unfinished {
    /// Connections that were closed by force, without the upgraded ones.
    pub connections: usize,
    /// Requests that were under way on them.
    pub requests: usize,
    /// Upgraded connections that were closed by force.
    pub upgraded: usize,
}

impl Unfinished {
    /// Whether nothing was.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A server that runs. Dropping it closes listeners and connections at once.
#[must_use = "dropping it ends the server at once"]
pub struct RunningServer {
    shared: Arc<Shared>,
}

impl RunningServer {
    /// Connections that are open, upgraded ones included.
    pub fn open_connections(&self) -> usize {
        let counts = self.shared.counts();
        counts.active + counts.idle + counts.upgraded
    }

    /// Connections that changed their protocol and are open.
    pub fn upgraded_connections(&self) -> usize {
        self.shared.counts().upgraded
    }

    /// Requests under way, to the end of their bodies.
    pub fn requests_in_flight(&self) -> usize {
        self.shared.counts().requests
    }

    /// Tells clients to go elsewhere, and goes on accepting: HTTP/1 responses
    /// carry `Connection: close`, HTTP/2 connections get a GOAWAY that lets in
    /// what is already on the way. New connections are served.
    pub fn announce(&self) {
        self.shared.advance(Phase::Announced);
    }

    /// Closes the listeners and the connections that are idle, lets requests
    /// finish and tells streams to end. Does not wait.
    ///
    /// A connection that has not asked anything yet is listened to for another
    /// 200 ms: its first request may be on the way.
    pub fn stop_accepting(&self) {
        self.shared.advance(Phase::Closing);
    }

    /// Stops accepting and waits until no request is under way; at `deadline`
    /// what is left is cut off.
    ///
    /// Upgraded connections are not waited for: they end with the signal that
    /// [`stop_accepting`](Self::stop_accepting) gives, see [`close`](Self::close).
    ///
    /// # Cancel safety
    ///
    /// May be dropped and called again.
    pub async fn drain(&self, deadline: Instant) -> Unfinished {
        self.stop_accepting();
        if timeout_at(deadline, self.shared.quiet()).await.is_ok() {
            return Unfinished::default();
        }
        let counts = self.shared.counts();
        self.shared.advance(Phase::Cut);
        // A handler that blocks its thread cannot be cut, nor may it hold us up.
        let _ = timeout(CUT_TIME, self.shared.quiet()).await;
        Unfinished {
            connections: counts.active + counts.idle,
            requests: counts.requests,
            upgraded: 0,
        }
    }

    /// Drains, then waits until every upgraded connection is closed as well; at
    /// `deadline` what is left is cut off.
    ///
    /// # Cancel safety
    ///
    /// May be dropped and called again.
    pub async fn close(&self, deadline: Instant) -> Unfinished {
        let cut = self.drain(deadline).await;
        Unfinished { upgraded: self.close_upgraded(deadline).await, ..cut }
    }

    /// Waits until every upgraded connection is closed; at `deadline` those that
    /// are left are closed by force, and counted.
    ///
    /// # Cancel safety
    ///
    /// May be dropped and called again.
    pub async fn close_upgraded(&self, deadline: Instant) -> usize {
        if timeout_at(deadline, self.shared.no_upgraded()).await.is_ok() {
            return 0;
        }
        let left = self.shared.counts().upgraded;
        self.shared.advance(Phase::Aborted);
        let _ = timeout(CUT_TIME, self.shared.no_upgraded()).await;
        left
    }

    /// [`close`](Self::close) with a bound instead of a deadline.
    pub async fn shutdown(self, bound: Duration) -> Unfinished {
        let far = Duration::from_hours(30 * 365 * 24);
        self.close(Instant::now() + bound.min(far)).await
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        self.shared.advance(Phase::Aborted);
    }
}

impl fmt::Debug for RunningServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningServer")
            .field("name", &self.shared.settings.name)
            .field("phase", &self.shared.phase())
            .field("connections", &self.shared.counts())
            .finish()
    }
}
