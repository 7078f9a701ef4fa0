//! Definitions of SLOs: written with [`Slo`], validated by [`Slos`], read as [`Definition`].

mod burn_tier;
#[expect(clippy::module_inception, reason = "a file is named as its type")]
mod definition;
mod dependency_gap;
mod event_class;
mod event_source;
mod indicator;
mod low_traffic;
mod names;
mod period;
mod prometheus_duration;
mod resolve;
mod severity;
mod slo;
mod slos;
mod tier;
mod tier_adjustment;
mod validate;
mod window;

#[cfg(test)]
mod source_tests;
#[cfg(test)]
mod tests;

pub use burn_tier::BurnTier;
pub use definition::Definition;
pub use dependency_gap::DependencyGap;
pub use event_class::EventClass;
pub use event_source::EventSource;
pub use indicator::{Indicator, LatencyEnd};
pub use period::Period;
#[cfg(feature = "render")]
pub(crate) use prometheus_duration::parse as parse_duration;
pub use severity::Severity;
pub use slo::Slo;
pub use slos::Slos;
pub use tier::Tier;
pub use tier_adjustment::TierAdjustment;
pub use window::Window;
