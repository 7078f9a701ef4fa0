//! The trace of a call. Without the feature `telemetry` it is empty and costs neither memory nor
//! time.

#[cfg(feature = "telemetry")]
mod client_trace;
#[cfg(not(feature = "telemetry"))]
mod without_telemetry;

#[cfg(feature = "telemetry")]
pub(super) use client_trace::{Trace, Traces};
#[cfg(not(feature = "telemetry"))]
pub(super) use without_telemetry::{Trace, Traces};
