//! From a signal to the collector: bounded, counted, never in the way.

pub(crate) mod counts;
pub(crate) mod logs;
pub(crate) mod metrics;
pub(crate) mod otlp;
pub(crate) mod spans;
mod trouble;
pub(crate) mod worker;
