//! Outbound requests: propagates the trace context, builds a span if the trace is sampled, and
//! records the time to the response head.

mod call;
mod future;
mod http_client;
mod layer;
mod service;

pub use future::HttpClientFuture;
pub use http_client::HttpClient;
pub use layer::HttpClientLayer;
pub use service::HttpClientService;
