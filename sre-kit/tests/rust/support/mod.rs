//! What several files of tests use.

pub(crate) mod golden;
#[cfg(feature = "telemetry")]
pub(crate) mod telemetry;
