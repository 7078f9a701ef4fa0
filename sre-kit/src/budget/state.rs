//! What a burn tier is doing.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};

use super::window::Ring;
use crate::slo::WindowStats;
use sre_kit_slo::{BurnTier, Severity};

/// Where the two windows of a tier stand. The number is the value of
/// `slo_instance_alert_state`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TierState {
    /// 0: both windows burn slower than the factor.
    #[default]
    Quiet = 0,
    /// 1: the short window burns faster: it has begun.
    Rising = 1,
    /// 2: the long window burns faster and the short one no more: it is over.
    Cooling = 2,
    /// 3: both burn faster.
    Firing = 3,
}

impl TierState {
    /// The value of `slo_instance_alert_state`.
    pub const fn as_number(self) -> u8 {
        self as u8
    }

    /// `quiet`, `rising`, `cooling` or `firing`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::Rising => "rising",
            Self::Cooling => "cooling",
            Self::Firing => "firing",
        }
    }

    fn of(long: bool, short: bool) -> Self {
        match (long, short) {
            (false, false) => Self::Quiet,
            (false, true) => Self::Rising,
            (true, false) => Self::Cooling,
            (true, true) => Self::Firing,
        }
    }
}

impl fmt::Display for TierState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One tier as it stands at the last tick.
#[derive(Clone, Debug, PartialEq)]
pub struct TierStatus {
    pub(super) tier: BurnTier,
    pub(super) state: TierState,
    pub(super) severity: Severity,
    pub(super) long: WindowStats,
    pub(super) short: WindowStats,
}

impl TierStatus {
    /// The tier as it is defined.
    pub fn tier(&self) -> &BurnTier {
        &self.tier
    }

    /// Where its windows stand.
    pub fn state(&self) -> TierState {
        self.state
    }

    /// What it asks of people when it fires: a page is a ticket while the long
    /// window has too few bad events, see [low traffic](crate::slo#low-traffic).
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// The long window.
    pub fn long(&self) -> WindowStats {
        self.long
    }

    /// The short window.
    pub fn short(&self) -> WindowStats {
        self.short
    }

    pub(super) fn read(tier: &BurnTier, ring: &Ring) -> Self {
        let (long, short) = (ring.read(tier.long()), ring.read(tier.short()));
        let over = |reading: WindowStats| reading.exceeds(tier.threshold());
        let enough = tier.min_bad_events().is_none_or(|minimum| long.bad() >= minimum);
        let severity = if enough { tier.severity() } else { Severity::Ticket };
        let state = TierState::of(over(long), over(short));
        Self { tier: tier.clone(), state, severity, long, short }
    }
}

/// The state of one tier where a request can read it: one byte.
///
/// The two lower bits are the state, the third says that it pages.
#[derive(Debug, Default)]
pub(super) struct TierCell(AtomicU8);

const PAGES: u8 = 4;

impl TierCell {
    /// Sets the state as of the last tick. Gives the one before when it differs.
    pub(super) fn update(&self, tier: &BurnTier, ring: &Ring) -> Option<(TierState, bool)> {
        let (long, short) = (ring.read(tier.long()), ring.read(tier.short()));
        let state = TierState::of(long.exceeds(tier.threshold()), short.exceeds(tier.threshold()));
        let pages = state == TierState::Firing
            && tier.severity() == Severity::Page
            && tier.min_bad_events().is_none_or(|minimum| long.bad() >= minimum);
        let bits = state.as_number() | if pages { PAGES } else { 0 };
        (self.0.swap(bits, Ordering::Relaxed) != bits).then_some((state, pages))
    }

    #[inline]
    pub(super) fn state(&self) -> TierState {
        match self.0.load(Ordering::Relaxed) & 3 {
            0 => TierState::Quiet,
            1 => TierState::Rising,
            2 => TierState::Cooling,
            _ => TierState::Firing,
        }
    }

    /// Whether it fires and is a page.
    #[inline]
    pub(super) fn pages(&self) -> bool {
        self.0.load(Ordering::Relaxed) & PAGES != 0
    }
}

#[cfg(test)]
mod tests {
    use super::TierState;

    #[test]
    fn the_numbers_are_those_that_are_exported() {
        use TierState::{Cooling, Firing, Quiet, Rising};
        assert_eq!([Quiet, Rising, Cooling, Firing].map(TierState::as_number), [0, 1, 2, 3]);
        assert_eq!(TierState::of(true, false), Cooling, "the long window alone");
        assert_eq!(TierState::of(false, true), Rising, "the short window alone");
    }
}
