//! An HTTP/1 and HTTP/2 server over TCP, TLS and Unix sockets with limits, connection metrics and graceful shutdown.
//!
//! [`Server`] bounds everything that a client can hold, counts how connections end, and shuts down
//! without losing a request. It takes any tower service ([`HttpService`]): one of hyper, an
//! `axum::Router`, tonic's `Routes`. HTTP/1 (with upgrades) and HTTP/2 with prior knowledge (as
//! gRPC uses it inside a cluster) share one port: the first bytes of a connection decide. With the
//! feature `tls`, `ServerTls` adds TLS from PEM files that are read again when they change.
//!
//! An HTTP/1.1 request without a `Host`, and any request with two or a malformed one, is answered 400 and does not reach
//! the service.
//!
//! Most services do not need this module directly: `SreKit::serve` and
//! [`Lifecycle::serve`](crate::lifecycle::Lifecycle::serve) run a server and shut it down when the
//! process gets a signal. Use it to set limits, to serve on a further port, or alone:
//!
//! ```
//! use std::time::Duration;
//!
//! use sre_kit::server::{RequestBody, Server};
//! # use bytes::Bytes;
//! # use http_body_util::Full;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let service = tower::service_fn(|_request: http::Request<RequestBody>| async {
//!     Ok::<_, std::convert::Infallible>(http::Response::new(Full::new(Bytes::from("hello"))))
//! });
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let server = Server::builder().max_connections(1_000).build()?;
//! let running = server.start(listener, service);
//! // ... later:
//! let unfinished = running.shutdown(Duration::from_secs(20)).await;
//! assert!(unfinished.is_empty());
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! # Compared with `axum::serve`
//!
//! A [`Router`](https://docs.rs/axum/latest/axum/struct.Router.html) runs on both. With
//! `axum::serve`:
//!
//! ```no_run
//! # async fn shutdown_signal() {}
//! # async fn run(router: axum::Router) -> std::io::Result<()> {
//! let listener = tokio::net::TcpListener::bind("0.0.0.0:8080").await?;
//! axum::serve(listener, router).with_graceful_shutdown(shutdown_signal()).await
//! # }
//! ```
//!
//! With this module:
//!
//! ```no_run
//! # async fn shutdown_signal() {}
//! # async fn run(router: axum::Router) -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//!
//! use sre_kit::server::Server;
//!
//! let listener = tokio::net::TcpListener::bind("0.0.0.0:8080").await?;
//! let running = Server::builder().build()?.start(listener, router);
//! shutdown_signal().await;
//! running.shutdown(Duration::from_secs(20)).await;
//! # Ok(())
//! # }
//! ```
//!
//! | | `axum::serve` (0.8) | `Server` |
//! |---|---|---|
//! | number of connections | unbounded | [`max_connections`](ServerBuilder::max_connections) |
//! | a client that sends no request head | is kept | is closed after [`header_read_timeout`](ServerBuilder::header_read_timeout) |
//! | a client that sends no body, or reads no response | is kept | is cut after [`body_read_timeout`](ServerBuilder::body_read_timeout) or [`write_timeout`](ServerBuilder::write_timeout) |
//! | an idle connection | is kept | is closed after [`idle_timeout`](ServerBuilder::idle_timeout) |
//! | a graceful shutdown | waits until the last connection is closed | ends at its bound, and returns what was [`Unfinished`] |
//! | clients that should reconnect elsewhere | learn it when nothing is accepted any more | can learn it while the server still accepts ([`announce`](RunningServer::announce)) |
//! | streams and upgraded connections | are not notified | get a [`DrainSignal`] |
//! | metrics of connections | none | [`ConnectionMetrics`] |
//!
//! The layers of this crate work on both: a service that keeps `axum::serve` loses only what the
//! right column lists.
//!
//! # Limits
//!
//! | Limit | Default | Unit | At the limit |
//! |---|---|---|---|
//! | [`max_connections`](ServerBuilder::max_connections) | 10 000, if the limit of open files allows | connections | a connection that waits for its client is closed for the new one |
//! | [`header_read_timeout`](ServerBuilder::header_read_timeout) | 10 | seconds | the connection is closed |
//! | [`body_read_timeout`](ServerBuilder::body_read_timeout) | 30 | seconds | the service's read of the body fails |
//! | [`write_timeout`](ServerBuilder::write_timeout) | 30 | seconds | the connection is closed, or the HTTP/2 stream reset |
//! | [`idle_timeout`](ServerBuilder::idle_timeout) | 620 | seconds | the connection is closed |
//! | [`max_header_size`](ServerBuilder::max_header_size) | 65 536 | bytes | the request is answered 431 |
//! | [`max_concurrent_streams`](ServerBuilder::max_concurrent_streams) | 200 | requests per HTTP/2 connection | the client has to wait |
//! | [`keep_alive_interval`](ServerBuilder::keep_alive_interval) | 30 | seconds between HTTP/2 pings | the client is pinged |
//! | [`keep_alive_timeout`](ServerBuilder::keep_alive_timeout) | 20 | seconds until the answer to a ping | the connection is closed |
//!
//! Each connection takes a file descriptor. When a server starts, it raises the process's soft limit of
//! open files (`ulimit -Sn`, often 1 024) to the hard limit, as Go's runtime does; child processes
//! inherit it. If the default of 10 000 connections and the
//! [`reserved_files`](ServerBuilder::reserved_files) do not fit into the hard limit, the default is as
//! many as do. A log line says so. A limit that you set stays as it is, with a warning if it cannot be
//! met.
//!
//! The duration of a request and the size of its body are not limited here: use layers of tower
//! around the service.
//!
//! # Metrics
//!
//! A server that was given [`ConnectionMetrics`] has these, with its
//! [`name`](ServerBuilder::name) as the label `listener`:
//!
//! | Metric | Kind | Further labels | Meaning |
//! |---|---|---|---|
//! | `sre_kit_http_server_open_connections` | gauge | `http_connection_state` | open sockets: `active`, `idle` or `upgraded` |
//! | `sre_kit_http_server_connections_limit` | gauge | | [`max_connections`](ServerBuilder::max_connections) |
//! | `sre_kit_http_server_connections_accepted_total` | counter | | accepted connections |
//! | `sre_kit_http_server_accept_errors_total` | counter | `error_type` | failures to accept a connection |
//! | `sre_kit_http_server_connection_errors_total` | counter | `error_type` | connections that ended badly, and requests with a bad `Host` |
//! | `sre_kit_http_server_tls_reloads_total` | counter | `result` | with TLS: changes of the certificate files, and those that could not be used |
//!
//! [`ConnectionMetrics`] lists the values of the labels. Requests are measured by
//! [`golden_signals`](crate::golden_signals).
//!
//! # What fails
//!
//! - `accept` fails, for example because the process has no file descriptor left: the failure is
//!   counted, logged as a warning, and retried after a pause of 5 ms to 1 s. It never ends the
//!   accept loop. Without a file descriptor, connections that wait for their clients are closed first.
//! - A connection fails: the failure is counted and logged at debug level.
//! - The service panics: that connection ends, and no other.
//!
//! # Graceful shutdown and cancel safety
//!
//! [`RunningServer`] has the steps of a graceful shutdown. The futures that borrow it are cancel
//! safe: they can be dropped and made again, and a step that has begun is not undone. Dropping the
//! `RunningServer` itself closes the listeners and all connections at once.

mod acceptor;
mod builder;
mod connection;
mod connection_end;
mod connection_info;
mod connection_state;
mod detect;
mod dispatch;
mod drain_signal;
mod drive;
mod host;
mod http_service;
mod hyper_connection;
mod lazy_timer;
mod listeners;
mod metrics;
mod open_files;
mod phase;
#[cfg(any(feature = "admin", feature = "tls"))]
pub(crate) mod reload;
mod request_body;
mod running_server;
mod settings;
mod shared;
mod socket;
mod stats;
mod stream_executor;
#[cfg(feature = "tls")]
mod tls;
mod transport;
mod unfinished;

use std::fmt;
use std::sync::Arc;

use acceptor::Acceptor;
use open_files::OpenFiles;
use shared::Shared;

pub use builder::ServerBuilder;
pub use connection_info::ConnectionInfo;
pub use drain_signal::DrainSignal;
pub use http_service::HttpService;
pub use listeners::Listeners;
pub use metrics::ConnectionMetrics;
pub use request_body::{RequestBody, RequestBodyError};
pub use running_server::RunningServer;
#[cfg(feature = "tls")]
#[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
pub use tls::{ServerTls, ServerTlsBuilder, TlsInfo};
pub use unfinished::Unfinished;

/// Returns an error if a variable asks for TLS, which this build has not.
#[cfg(not(feature = "tls"))]
pub(crate) fn refuse_tls_variables(
    prefix: &str,
    value: impl Fn(&str) -> Option<String>,
) -> Result<(), crate::ConfigError> {
    for name in ["CERT_FILE", "KEY_FILE", "CLIENT_CA_FILE"] {
        let name = format!("{prefix}_{name}");
        if let Some(path) = value(&name).filter(|path| !path.trim().is_empty()) {
            return Err(crate::ConfigError::new(
                name,
                path,
                "this program was built without TLS",
                "turn on the feature `tls` of sre-kit, or leave the variable out",
            ));
        }
    }
    Ok(())
}

/// A server for HTTP/1 and HTTP/2 with bounds on everything that a client can hold.
///
/// See the [module](self) for an example, the limits and the metrics.
#[must_use = "nothing is served before `start`"]
pub struct Server {
    shared: Arc<Shared>,
}

impl Server {
    /// Starts to serve the connections of `listeners` with clones of `service`, in the background.
    ///
    /// # Panics
    ///
    /// Panics if it is called outside of a Tokio runtime.
    pub fn start<S: HttpService>(
        self,
        listeners: impl Into<Listeners>,
        service: S,
    ) -> RunningServer {
        let Self { shared } = self;
        #[cfg(feature = "tls")]
        if let Some(tls) = &shared.settings.tls {
            tokio::spawn(tls.clone().watch(shared.stop.clone()));
        }
        shared.bound_connections(shared.settings.bound_connections(OpenFiles::raise()));
        let acceptor = Acceptor::new(Arc::clone(&shared), service);
        for listener in listeners.into().0 {
            shared.listener_opened();
            tokio::spawn(acceptor.clone().run(listener));
        }
        RunningServer::new(shared)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("settings", &self.shared.settings).finish()
    }
}
