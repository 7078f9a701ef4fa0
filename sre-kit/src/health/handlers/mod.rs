//! The probes over HTTP: they read a snapshot and render it.

mod accept;
mod body;
mod item;
mod json;
mod page;
mod query;
mod rfc3339;
mod service;
mod text;

pub use body::ProbeBody;
pub use service::ProbeService;
