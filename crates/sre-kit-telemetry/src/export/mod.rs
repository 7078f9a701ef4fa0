//! The export pipelines: bounded queues, counts of every item, and no waiting for a collector.

mod export_errors;
pub(crate) mod grpc_runtime;
pub(crate) mod logs;
#[cfg(feature = "otlp")]
pub(crate) mod metrics;
#[cfg(feature = "otlp")]
pub(crate) mod otlp;
#[cfg(feature = "otlp")]
mod sender;
pub(crate) mod signal_counts;
mod size;
mod spans;
#[cfg(feature = "otlp")]
mod tls;
pub(crate) mod tracer_provider;
