//! The trace of a request. Without the feature `telemetry` it is empty and costs neither memory nor
//! time.

#[cfg(feature = "telemetry")]
mod box_pool;
#[cfg(feature = "telemetry")]
mod request_trace;
#[cfg(not(feature = "telemetry"))]
mod without_telemetry;

#[cfg(feature = "telemetry")]
pub(crate) use request_trace::{Trace, Traces, enter, is_enabled, start};
#[cfg(not(feature = "telemetry"))]
pub(crate) use without_telemetry::{Trace, Traces, enter, is_enabled, start};
