//! The trace context of the work that a thread is doing.
//!
//! OpenTelemetry's own context is a reference-counted map: right for a sampled request, too
//! expensive for the many that are not. [`TraceContext`] is 32 bytes on the stack, and the current
//! one is a thread-local cell that is set while a request's future or body is polled.

mod current;
mod ids;
mod trace_context;
mod traced;
mod traceparent;

pub(crate) use current::{ContextGuard, attach};
pub use ids::{SpanId, TraceId};
pub use trace_context::TraceContext;
pub use traced::{TraceExt, Traced};
pub use traceparent::Traceparent;
