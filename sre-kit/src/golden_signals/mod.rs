//! A tower middleware that records every HTTP and gRPC request exactly once.
//!
//! ```
//! use sre_kit::golden_signals::{GoldenSignals, Routes};
//! use sre_kit::metrics::Registry;
//! use tower::Layer;
//!
//! let registry = Registry::new();
//! let signals = GoldenSignals::builder()
//!     .routes(Routes::new(["/", "/items/{id}"])?)
//!     .build(&registry)?;
//! # let my_service = tower::service_fn(|_: http::Request<()>| async {
//! #     Ok::<_, std::convert::Infallible>(http::Response::new(http_body_util::Empty::<bytes::Bytes>::new()))
//! # });
//! let service = signals.layer().layer(my_service);
//! # Ok::<(), sre_kit::ConfigError>(())
//! ```
//!
//! The layer wraps any `Service<http::Request<B>, Response = http::Response<C>>`, such as those of
//! hyper, axum ([`RouteSource::axum`]) and tonic ([`Routes::grpc`]).
//!
//! The examples [`hyper`](https://github.com/sre-kit/sre-kit/blob/main/examples/examples/hyper.rs) and [`tonic`](https://github.com/sre-kit/sre-kit/blob/main/examples/examples/tonic.rs) are complete programs.
//!
//! # Metrics
//!
//! | Metric | Kind | Labels | Meaning |
//! |---|---|---|---|
//! | `sre_kit_http_server_requests_started_total` | counter | `http_request_method`, `http_route`, `url_scheme` | requests that reached the layer |
//! | `sre_kit_http_server_requests_total` | counter | the same and `outcome` | requests that ended, by [`Outcome`] |
//! | `http_server_active_requests` | gauge | `http_request_method`, `url_scheme` | requests that started and did not end, to the end of the body |
//! | `http_server_request_duration_seconds` | histogram | `http_request_method`, `url_scheme`, `error_type`, `http_response_status_code`, `http_route`, `network_protocol_version`, and custom [`Label`]s | time from arrival to the end of the body |
//! | `sre_kit_http_server_time_to_headers_seconds` | histogram | `http_request_method`, `http_route`, `url_scheme` | time from arrival to the response head |
//! | `http_server_request_body_size_bytes` | histogram | the same | declared size, or counted size with [`CountRequestBodyLayer`]; otherwise no sample |
//! | `http_server_response_body_size_bytes` | histogram | the same | bytes sent |
//! | `sre_kit_http_server_stream_duration_seconds` | histogram | the same and `stream` (`sse`, `stream`, `upgrade`) | lifetime of streams and upgraded connections |
//!
//! Names, labels and duration bounds are those of the OpenTelemetry semantic conventions for HTTP,
//! in Prometheus spelling. A label without a value is omitted. `error_type` is the status for 5xx,
//! the name of the gRPC code, `timeout`, `overloaded`, `canceled`, `panic`, `service_error` or
//! `body_error`. The conventions do not define metrics for started requests, outcomes, time to
//! headers and streams; their names belong to this crate.
//!
//! This query returns the error ratio of the last five minutes:
//!
//! ```text
//! sum(rate(
//!   sre_kit_http_server_requests_total{outcome=~"error|timeout|shed|panic|service_error"}[5m]
//! )) / sum(rate(sre_kit_http_server_requests_total[5m]))
//! ```
//!
//! # How a request ends
//!
//! Each request ends exactly once, and in each scrape the number of started requests is the sum of
//! all outcomes plus the number in flight. The duration lasts and the request is in flight until
//! the end of the *body*. A response is complete once its body is (see [`ResponseBody`]). A request
//! that is dropped before that was aborted, before or after the response head. A client that
//! disconnects from a stream (server-sent events, WebSocket) ends it normally: the outcome is
//! [`Outcome::Ok`], and the duration goes to `sre_kit_http_server_stream_duration_seconds` instead
//! of the latency histograms.
//!
//! Make this the outermost layer. It recognizes a timeout or a load limit *inside* it. A layer
//! around it drops the request, which looks like a client that disconnected.
//!
//! # Cancel safety
//!
//! The response future and the body may be dropped at any time, which ends the request. A panic of
//! the service is counted and continues to unwind.
//!
//! # Cost
//!
//! Once its series exist, a request takes no lock, allocates nothing and hashes no text. The layer
//! finds a route in the table or by the address of its template, and a series by one integer key.
//! Each thread counts in a shard of its own.

mod body;
mod builder;
mod classify;
mod completed;
mod exclusion;
mod future;
mod guard;
mod handle;
mod in_flight;
mod key;
mod label;
mod layer;
mod objectives;
mod outcome;
mod recorder;
mod recorders;
mod request_body;
mod route;
mod series;
mod service;
mod shared;
mod slo_counter;
mod trace;
mod upgrade;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use handle::ShardedHandles;

pub use body::ResponseBody;
pub use builder::{GoldenSignalsBuilder, Scheme};
pub use classify::Streaming;
pub use exclusion::SloExclusion;
pub use future::ResponseFuture;
pub use label::Label;
pub use layer::GoldenSignalsLayer;
pub use outcome::Outcome;
pub use request_body::{CountRequestBody, CountRequestBodyLayer, CountedBody};
pub use route::{RouteSource, Routes};
pub use service::GoldenSignalsService;
pub use upgrade::{UpgradeGuard, UpgradeTimer};

/// The golden signals of a service. Clones are cheap and count together.
#[derive(Clone, Debug)]
pub struct GoldenSignals {
    handles: Arc<ShardedHandles>,
}

impl GoldenSignals {
    /// Returns the number of requests that have started.
    pub fn started(&self) -> u64 {
        self.handles.shared().store.requests.started()
    }

    /// Returns the number of requests that ended in `outcome`.
    pub fn ended(&self, outcome: Outcome) -> u64 {
        self.handles.shared().store.requests.ended(outcome)
    }

    /// Returns the number of requests in flight, which have started and not ended.
    pub fn in_flight(&self) -> u64 {
        self.handles.shared().store.requests.active()
    }
}
