//! Spans: which are built, with which ids, and where they go.

pub(crate) mod client;
mod extract;
mod ids;
pub(crate) mod innermost;
pub(crate) mod provider;
pub(crate) mod redact;
pub(crate) mod server;

pub(crate) use innermost::innermost;
