//! Which trace a piece of work belongs to, at hand without an allocation.
//!
//! OpenTelemetry's own context is a reference-counted map: right for a sampled
//! request, too dear for the many that are not. [`TraceContext`] is 32 bytes on
//! the stack, and the one that is current is a thread-local cell, set while a
//! request's future or body is polled.

mod current;
mod traceparent;

pub(crate) use current::{Attached, attach};
pub use current::{TraceExt, Traced};

use std::fmt;

/// The trace and span that a piece of work belongs to, and whether it is sampled.
///
/// ```
/// use sre_kit_telemetry::TraceContext;
///
/// let header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// let context = TraceContext::from_traceparent(header.as_bytes()).expect("well formed");
/// assert!(context.is_sampled());
/// assert_eq!(context.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
/// assert_eq!(context.traceparent().as_str(), header);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceContext {
    trace_id: TraceId,
    span_id: SpanId,
    sampled: bool,
}

impl TraceContext {
    /// The ids of a span. `None` when either is zero, which the specification forbids.
    pub fn new(trace_id: u128, span_id: u64, sampled: bool) -> Option<Self> {
        (trace_id != 0 && span_id != 0).then_some(Self {
            trace_id: TraceId(trace_id),
            span_id: SpanId(span_id),
            sampled,
        })
    }

    /// A new trace with random ids.
    pub(crate) fn random(sampled: bool) -> Self {
        Self {
            trace_id: TraceId(fastrand::u128(1..)),
            span_id: SpanId(fastrand::u64(1..)),
            sampled,
        }
    }

    /// The same trace with a new span in it.
    pub(crate) fn child(self, sampled: bool) -> Self {
        Self { trace_id: self.trace_id, span_id: SpanId(fastrand::u64(1..)), sampled }
    }

    pub(crate) fn with_sampled(self, sampled: bool) -> Self {
        Self { sampled, ..self }
    }

    /// The context of the work that this thread is doing at the moment, if it
    /// belongs to a trace.
    pub fn current() -> Option<Self> {
        current::get()
    }

    /// The trace.
    pub fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// The span.
    pub fn span_id(&self) -> SpanId {
        self.span_id
    }

    /// Whether the trace is recorded.
    pub fn is_sampled(&self) -> bool {
        self.sampled
    }
}

impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.traceparent().as_str())
    }
}

/// A trace's id. Prints as 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId(u128);

impl TraceId {
    /// The number that the digits spell.
    pub fn to_u128(self) -> u128 {
        self.0
    }
}

/// A span's id. Prints as 16 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanId(u64);

impl SpanId {
    /// The number that the digits spell.
    pub fn to_u64(self) -> u64 {
        self.0
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
