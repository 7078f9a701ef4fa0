//! The ids of a trace and of a span.

use std::fmt;

/// The id of a trace. It prints as 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceId(pub(crate) u128);

impl TraceId {
    /// Returns the id as a number.
    #[inline]
    pub fn to_u128(self) -> u128 {
        self.0
    }
}

/// The id of a span. It prints as 16 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanId(pub(crate) u64);

impl SpanId {
    /// Returns the id as a number.
    #[inline]
    pub fn to_u64(self) -> u64 {
        self.0
    }
}

impl From<TraceId> for u128 {
    fn from(id: TraceId) -> Self {
        id.0
    }
}

impl From<SpanId> for u64 {
    fn from(id: SpanId) -> Self {
        id.0
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
