//! The trace of a request. Without the feature `telemetry` there is none, and
//! nothing of this takes room or time.

#[cfg(not(feature = "telemetry"))]
mod off;
#[cfg(feature = "telemetry")]
mod on;
#[cfg(feature = "telemetry")]
mod spare;

#[cfg(not(feature = "telemetry"))]
pub(crate) use off::{Trace, Traces, asked, begin, enter};
#[cfg(feature = "telemetry")]
pub(crate) use on::{Trace, Traces, asked, begin, enter};
