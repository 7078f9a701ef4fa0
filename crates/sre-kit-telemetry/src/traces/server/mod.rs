//! The server span of an inbound request, and the context of a request that is not sampled.

mod attributes;
mod request_trace;
mod server_traces;

pub use attributes::{RequestAttributes, ResponseAttributes};
pub use request_trace::{RequestTrace, RequestTraceGuard};
pub use server_traces::ServerTraces;
