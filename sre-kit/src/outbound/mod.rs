//! A tower middleware that records every call to another service exactly once.
//!
//! ```
//! use bytes::Bytes;
//! use http_body_util::Empty;
//! use hyper_util::client::legacy::Client;
//! use hyper_util::client::legacy::connect::HttpConnector;
//! use hyper_util::rt::TokioExecutor;
//! use sre_kit::metrics::Registry;
//! use sre_kit::outbound::{Marked, Outbound, Peer};
//! use tower::Layer;
//!
//! let registry = Registry::new();
//! let outbound = Outbound::new(&registry, [
//!     Peer::http("payments", "http://payments.internal:8080")?.routes(["/v1/charges/{id}"]),
//! ])?;
//! let pooled: Client<_, Empty<Bytes>> =
//!     Client::builder(TokioExecutor::new()).build(Marked::tcp(HttpConnector::new()));
//! let payments = outbound.peer("payments")?.layer().layer(pooled);
//! # Ok::<(), sre_kit::ConfigError>(())
//! ```
//!
//! The layer wraps any `Service<http::Request<B>, Response = http::Response<C>>`: hyper-util's
//! pooled client, a tonic channel, or `reqwest` behind an adapter. A service of the whole kit passes
//! its peers to `SreKit::builder` and gets them from `SreKit::peer`.
//!
//! # Metrics
//!
//! | Metric | Kind | Labels | Meaning |
//! |---|---|---|---|
//! | `sre_kit_http_client_requests_started_total` | counter | `http_request_method`, `server_address`, `server_port`, `url_template` or `rpc_method` | calls that started |
//! | `sre_kit_http_client_requests_total` | counter | the same and `outcome` | calls that ended, by [`CallOutcome`] |
//! | `http_client_active_requests` | gauge | the same without `outcome` | calls that started and did not end |
//! | `http_client_request_duration_seconds` | histogram | `http_request_method`, `server_address`, `server_port`, `error_type`, `http_response_status_code`, `network_protocol_version`, `url_template` | time from the call to the end of the body |
//! | `rpc_client_call_duration_seconds` | histogram | `rpc_system_name`, `error_type`, `rpc_method`, `rpc_response_status_code`, `server_address`, `server_port` | the same for peers of [`Peer::grpc`] |
//! | `sre_kit_http_client_time_to_headers_seconds` | histogram | those of the first | time from the call to the response head |
//! | `http_client_request_body_size_bytes` | histogram | the same | declared size; otherwise no sample |
//! | `http_client_response_body_size_bytes` | histogram | the same | bytes received |
//!
//! Names and labels are those of the OpenTelemetry semantic conventions where these define them.
//! `server_address` and `server_port` are those of the declaration. Calls to other peers share
//! `server_address="_OTHER"`. `error_type` is the status from 400, the name of a gRPC code but `OK`,
//! the name of a [`CallFailure`], `canceled` or `panic`.
//!
//! This query returns the error ratio of each peer in the last five minutes:
//!
//! ```text
//! sum by (server_address) (rate(sre_kit_http_client_requests_total{outcome=~"error|no_response|timeout"}[5m]))
//!   / sum by (server_address) (rate(sre_kit_http_client_requests_total[5m]))
//! ```
//!
//! # How a call ends
//!
//! Each call ends exactly once, where the body or the trailers end, and in each scrape the number of
//! started calls is the sum of all outcomes plus the number in flight. The semantic conventions
//! leave it open whether the duration includes the body; .NET's ends at the head, which is
//! `sre_kit_http_client_time_to_headers_seconds` here.
//!
//! The cause of a failure is read from the types in the chain of its error, never from a text:
//! [`CallFailure::of`]. Put the layer *outside* of a timeout, otherwise the timeout drops the call,
//! which counts as canceled. Put it *inside* of retries to record each attempt.
//!
//! # Cancel safety
//!
//! The response future and the body may be dropped at any time, which ends the call. A panic of the
//! client is counted and continues to unwind.
//!
//! # Cost
//!
//! Once its series exist, a call to a declared peer takes no lock and allocates nothing. A layer of
//! [`PeerHandle::layer`] needs no lookup of the peer.

mod body;
mod builder;
mod call;
mod cause;
mod connect;
mod dependency_slo;
mod failure;
mod future;
mod key;
mod layer;
mod outcome;
mod peer;
mod peer_handle;
mod series;
mod service;
mod shared;
mod trace;

use std::fmt;
use std::sync::Arc;

use shared::Shared;

pub use body::OutboundBody;
pub use builder::OutboundBuilder;
pub use connect::{ConnectError, ConnectPhase, Marked, MarkedFuture};
pub use failure::CallFailure;
pub use future::OutboundFuture;
pub use layer::OutboundLayer;
pub use outcome::CallOutcome;
pub use peer::Peer;
pub use peer_handle::PeerHandle;
pub use service::OutboundService;

use crate::ConfigError;

/// The recorder of calls to other services. Clones are cheap and count together.
#[derive(Clone)]
pub struct Outbound {
    shared: Arc<Shared>,
}

impl Outbound {
    /// Returns a declared peer.
    ///
    /// # Errors
    ///
    /// Returns an error if no peer has this name. The message lists the declared ones.
    pub fn peer(&self, name: &str) -> Result<PeerHandle, ConfigError> {
        let Some(peer) = self.shared.named(name) else {
            let names: Vec<_> = self.shared.declared().map(Peer::name).collect();
            return Err(ConfigError::new(
                "peer",
                name,
                "no peer of that name is declared",
                if names.is_empty() {
                    "declare it with `Peer::http`; there are no peers yet".to_owned()
                } else {
                    format!("declare it with `Peer::http`, or use one of {}", names.join(", "))
                },
            ));
        };
        Ok(PeerHandle::new(&self.shared, peer))
    }

    /// Returns a layer for a client of several peers. It compares the authority of each request
    /// with those of the declared peers; all other requests share `server_address="_OTHER"`.
    pub fn layer(&self) -> OutboundLayer {
        OutboundLayer::new(&self.shared, None)
    }

    /// Returns the number of calls that have started.
    pub fn started(&self) -> u64 {
        self.shared.store.counts.started()
    }

    /// Returns the number of calls that ended in `outcome`.
    pub fn ended(&self, outcome: CallOutcome) -> u64 {
        self.shared.store.counts.ended(outcome as usize)
    }

    /// Returns the number of calls in flight, which have started and not ended.
    pub fn in_flight(&self) -> u64 {
        self.shared.store.counts.active()
    }
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.shared.declared().map(Peer::name).collect();
        f.debug_struct("Outbound").field("peers", &names).finish_non_exhaustive()
    }
}
