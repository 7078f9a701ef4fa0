//! The tower middleware that records every request exactly once.
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
//! It wraps any `Service<http::Request<B>, Response = http::Response<C>>`: hyper,
//! axum ([`RouteSource::axum`]) and tonic ([`Routes::grpc`]) alike.
//!
//! # What is recorded
//!
//! | Metric | Kind | Labels | Meaning |
//! |---|---|---|---|
//! | `http_server_requests_started_total` | counter | `http_request_method`, `http_route`, `url_scheme` | requests that reached the layer |
//! | `http_server_requests_total` | counter | the same and `outcome` | requests that ended, by [`Outcome`] |
//! | `http_server_active_requests` | gauge | `http_request_method`, `url_scheme` | started and not ended, to the end of the body |
//! | `http_server_request_duration_seconds` | histogram | `http_request_method`, `url_scheme`, `error_type`, `http_response_status_code`, `http_route`, `network_protocol_version`, and [`Label`]s of your own | arrival to end of body |
//! | `http_server_time_to_headers_seconds` | histogram | `http_request_method`, `http_route`, `url_scheme` | arrival to response head |
//! | `http_server_request_body_size_bytes` | histogram | the same | declared size; counted with [`CountRequestBodyLayer`]; otherwise no sample |
//! | `http_server_response_body_size_bytes` | histogram | the same | bytes that went out |
//! | `http_server_stream_duration_seconds` | histogram | the same and `stream` (`sse`, `stream`, `upgrade`) | lifetime of what has no latency |
//!
//! Names, labels and duration bounds are those of the OpenTelemetry semantic
//! conventions for HTTP, in Prometheus spelling; a label without a value is left
//! out. `error_type` is the status for 5xx, the gRPC code's name, `timeout`,
//! `overloaded`, `canceled`, `panic`, `service_error` or `body_error`. What the
//! conventions do not name (started, outcomes, time to headers, streams) is ours.
//!
//! The error ratio of the last five minutes, for instance:
//!
//! ```text
//! sum(rate(http_server_requests_total{outcome=~"error|timeout|shed|panic|service_error"}[5m]))
//!   / sum(rate(http_server_requests_total[5m]))
//! ```
//!
//! # How a request ends
//!
//! Exactly once, and in each scrape started = sum of outcomes + in flight. Time
//! and in-flight last to the end of the *body*. A response is complete when its
//! body is (see [`ResponseBody`]); a request that is dropped before was aborted,
//! before or after its head. Streams have no end to miss: that a client leaves an
//! event stream counts as [`Outcome::Ok`], and its lifetime is kept out of the
//! latencies.
//!
//! Put the layer outermost. A timeout or a load limit *inside* it is counted as
//! what it is; one outside drops the request, which looks like a client that left.
//!
//! # Cancel safety
//!
//! The response future and the body may be dropped at any time; that is an end
//! like any other. A panic of the service is counted and goes on unwinding.
//!
//! # Cost
//!
//! Once its series exist a request takes no lock, allocates nothing and hashes no
//! text: a route is found in the table or by the address of its template, its
//! series by one integer key. Each thread counts in cells of its own.

mod body;
mod builder;
mod classify;
mod future;
mod guard;
mod hub;
mod in_flight;
mod label;
mod layer;
mod objectives;
mod outcome;
mod request_body;
mod route;
mod series;
mod service;
mod site;
mod trace;
mod upgrade;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use hub::Root;

pub use body::ResponseBody;
pub use builder::{GoldenSignalsBuilder, Scheme};
pub use classify::Streaming;
pub use future::ResponseFuture;
pub use label::Label;
pub use layer::GoldenSignalsLayer;
pub use objectives::SloExclusion;
pub use outcome::Outcome;
pub use request_body::{CountRequestBody, CountRequestBodyLayer, CountedBody};
pub use route::{RouteSource, Routes};
pub use service::GoldenSignalsService;
pub use upgrade::{UpgradeGuard, UpgradeTimer};

/// Records the golden signals of a service. Cloning is cheap; clones count together.
#[derive(Clone, Debug)]
pub struct GoldenSignals {
    root: Arc<Root>,
}

impl GoldenSignals {
    /// Begins a layer whose families are registered in `registry`.
    pub fn builder() -> GoldenSignalsBuilder {
        GoldenSignalsBuilder::new()
    }

    /// The layer. Put it outermost: what is further out, such as a timeout,
    /// ends requests without telling why.
    pub fn layer(&self) -> GoldenSignalsLayer {
        GoldenSignalsLayer::new(self.clone())
    }

    /// Requests that have started.
    pub fn started(&self) -> u64 {
        self.root.hub().store.flow.started()
    }

    /// Requests that ended in `outcome`.
    pub fn ended(&self, outcome: Outcome) -> u64 {
        self.root.hub().store.flow.ended(outcome)
    }

    /// Requests in flight: started and not ended.
    pub fn in_flight(&self) -> u64 {
        self.root.hub().store.flow.active()
    }
}
