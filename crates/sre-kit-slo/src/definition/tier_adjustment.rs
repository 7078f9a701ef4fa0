//! The record of a change to a standard tier.

use std::fmt;

/// A change that was made to a standard tier because it could not work as defined: it was left
/// out, its factor was raised to 1, or it became a ticket.
///
/// [`Display`](fmt::Display) gives the reason. Tiers that were requested with
/// [`Slo::tiers`](crate::Slo::tiers) are not left out or made a ticket: [`Slos::new`] returns an
/// error instead. A factor below 1 is raised for these as well.
///
/// [`Slos::new`]: crate::Slos::new
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TierAdjustment {
    pub(super) slo: String,
    pub(super) tier: String,
    pub(super) reason: String,
}

impl TierAdjustment {
    /// Returns the name of the SLO.
    pub fn slo(&self) -> &str {
        &self.slo
    }

    /// Returns the name of the tier.
    pub fn tier(&self) -> &str {
        &self.tier
    }
}

impl fmt::Display for TierAdjustment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SLO `{}`, tier `{}`: {}", self.slo, self.tier, self.reason)
    }
}
