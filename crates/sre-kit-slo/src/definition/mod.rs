//! What an SLO is: written down with [`Slo`], checked by [`Slos`].

mod burn_tier;
mod checked;
mod events;
mod low_traffic;
mod names;
mod set;
mod slo;
mod span;
mod tier;

#[cfg(test)]
mod tests;

pub use burn_tier::{BurnTier, TierAdjustment};
pub use checked::Definition;
pub use events::{EventClass, Indicator, LatencyEnd};
pub(crate) use low_traffic::at_least;
pub use set::Slos;
pub use slo::Slo;
pub use span::{Period, Window};
pub use tier::{Severity, Tier};
