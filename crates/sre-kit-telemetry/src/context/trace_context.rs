//! The trace and span that a piece of work belongs to.

use std::fmt;

use super::ids::{SpanId, TraceId};

/// The flag of a sampled trace.
pub(super) const SAMPLED: u8 = 1;
/// The flag of a trace whose id is random, of level 2 of the recommendation.
pub(super) const RANDOM: u8 = 2;

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
    flags: u8,
}

impl TraceContext {
    /// Creates the context of a span. Returns `None` if one of the ids is zero, which the W3C
    /// Trace Context recommendation forbids.
    pub fn new(trace_id: u128, span_id: u64, sampled: bool) -> Option<Self> {
        Self::with_flags(trace_id, span_id, u8::from(sampled))
    }

    /// Creates a context with the flags that a caller sent. Unknown ones are dropped, as the
    /// recommendation requires.
    pub(crate) fn with_flags(trace_id: u128, span_id: u64, flags: u8) -> Option<Self> {
        (trace_id != 0 && span_id != 0).then_some(Self {
            trace_id: TraceId(trace_id),
            span_id: SpanId(span_id),
            flags: flags & (SAMPLED | RANDOM),
        })
    }

    /// Creates a new trace with random ids.
    #[inline]
    pub(crate) fn random(sampled: bool) -> Self {
        Self {
            trace_id: TraceId(fastrand::u128(1..)),
            span_id: SpanId(fastrand::u64(1..)),
            flags: RANDOM | u8::from(sampled),
        }
    }

    /// Creates a new span in the same trace.
    #[inline]
    pub(crate) fn child(self, sampled: bool) -> Self {
        Self { span_id: SpanId(fastrand::u64(1..)), ..self }.with_sampled(sampled)
    }

    /// Returns the same ids with another sampling decision.
    #[inline]
    pub(crate) fn with_sampled(self, sampled: bool) -> Self {
        Self { flags: self.flags & !SAMPLED | u8::from(sampled), ..self }
    }

    /// Returns the same span, with the flag of a random trace id if `other` is of the same trace and
    /// has it.
    pub(crate) fn with_randomness_of(self, other: Option<Self>) -> Self {
        let random = other.filter(|other| other.trace_id == self.trace_id);
        Self { flags: self.flags | random.map_or(0, |other| other.flags & RANDOM), ..self }
    }

    /// Returns the flags of the `traceparent` header.
    #[inline]
    pub(crate) fn flags(&self) -> u8 {
        self.flags
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
        self.flags & SAMPLED != 0
    }
}

impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trace_id, span_id, flags } = self;
        write!(f, "00-{trace_id}-{span_id}-{flags:02x}")
    }
}
