//! The recorder of the `metrics` facade.

mod builder;
mod handles;
mod recorder;
mod state;

pub use builder::MetricsRecorderBuilder;
pub use recorder::MetricsRecorder;

/// The value of the label `api` of what is refused.
const API: &str = "metrics";
