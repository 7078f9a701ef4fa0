//! The trace and span that a piece of work belongs to.

use std::fmt;

use super::ids::{SpanId, TraceId};

/// The trace and span that a piece of work belongs to, and whether the trace is sampled.
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
    /// Creates the context of a span. Returns `None` if one of the ids is zero, which the W3C
    /// Trace Context recommendation forbids.
    pub fn new(trace_id: u128, span_id: u64, sampled: bool) -> Option<Self> {
        (trace_id != 0 && span_id != 0).then_some(Self {
            trace_id: TraceId(trace_id),
            span_id: SpanId(span_id),
            sampled,
        })
    }

    /// Creates a new trace with random ids.
    #[inline]
    pub(crate) fn random(sampled: bool) -> Self {
        Self {
            trace_id: TraceId(fastrand::u128(1..)),
            span_id: SpanId(fastrand::u64(1..)),
            sampled,
        }
    }

    /// Creates a new span in the same trace.
    #[inline]
    pub(crate) fn child(self, sampled: bool) -> Self {
        Self { trace_id: self.trace_id, span_id: SpanId(fastrand::u64(1..)), sampled }
    }

    /// Returns the same ids with another sampling decision.
    #[inline]
    pub(crate) fn with_sampled(self, sampled: bool) -> Self {
        Self { sampled, ..self }
    }

    /// Returns the id of the trace.
    #[inline]
    pub fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// Returns the id of the span.
    #[inline]
    pub fn span_id(&self) -> SpanId {
        self.span_id
    }

    /// Returns whether the trace is sampled, that is, recorded.
    #[inline]
    pub fn is_sampled(&self) -> bool {
        self.sampled
    }
}

impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trace_id, span_id, sampled } = self;
        write!(f, "00-{trace_id}-{span_id}-{:02x}", u8::from(*sampled))
    }
}
