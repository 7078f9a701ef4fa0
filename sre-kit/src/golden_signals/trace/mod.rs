//! The trace of a request. Without the feature `telemetry` there is none, and
//! nothing of this takes room or time.

#[cfg(not(feature = "telemetry"))]
mod off;
#[cfg(feature = "telemetry")]
mod on;

#[cfg(not(feature = "telemetry"))]
pub(crate) use off::{Trace, Traces, begin, enter};
#[cfg(feature = "telemetry")]
pub(crate) use on::{Trace, Traces, begin, enter};
