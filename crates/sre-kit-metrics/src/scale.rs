//! The unit of recorded integers.

use crate::floats;

/// The meaning of one unit of a recorded integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scale {
    /// Recorded in nanoseconds, exported in seconds.
    Nanos,
    /// Recorded and exported unchanged: bytes, rows, items.
    Ones,
    /// Floats of any unit, recorded as integers that are ordered as the floats are.
    Floats,
}

impl Scale {
    /// Converts a recorded integer to the exported value.
    #[inline]
    pub fn value(self, recorded: u64) -> f64 {
        match self {
            Self::Nanos => recorded as f64 / 1e9,
            Self::Ones => recorded as f64,
            Self::Floats => floats::from_ordered(recorded),
        }
    }
}
