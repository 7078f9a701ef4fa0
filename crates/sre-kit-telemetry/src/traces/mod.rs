//! Spans: the sampling decision, the ids, the attributes and the provider.

pub(crate) mod active_span;
pub(crate) mod client;
pub(crate) mod decided;
mod extract;
pub(crate) mod propagator;
mod redact;
pub(crate) mod server;
mod span_context;
mod trace_state;

pub(crate) use active_span::active_span;
