//! The status of one burn tier: its state and the windows behind it.

use super::tier_state::{TierState, has_enough_bad_events};
use super::window::{Ring, WindowStats};
use sre_kit_slo::{BurnTier, Severity};

/// The status of one tier as of the last tick.
#[derive(Clone, Debug, PartialEq)]
pub struct TierStatus {
    tier: BurnTier,
    state: TierState,
    severity: Severity,
    long: WindowStats,
    short: WindowStats,
}

impl TierStatus {
    /// Returns the definition of the tier.
    pub fn tier(&self) -> &BurnTier {
        &self.tier
    }

    /// Returns the state of the tier.
    pub fn state(&self) -> TierState {
        self.state
    }

    /// Returns the severity if the tier fires now. A page is a ticket while the long window has
    /// too few bad events, see [low traffic](crate::slo#low-traffic).
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// Returns the long window.
    pub fn long(&self) -> WindowStats {
        self.long
    }

    /// Returns the short window.
    pub fn short(&self) -> WindowStats {
        self.short
    }

    pub(super) fn read(tier: &BurnTier, ring: &Ring) -> Self {
        let (long, short) = (ring.read(tier.long()), ring.read(tier.short()));
        let state = TierState::of(tier, &long, &short);
        let severity =
            if has_enough_bad_events(tier, &long) { tier.severity() } else { Severity::Ticket };
        Self { tier: tier.clone(), state, severity, long, short }
    }
}
