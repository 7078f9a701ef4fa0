//! The state of one burn tier.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};

use super::window::{Ring, WindowStats};
use sre_kit_slo::{BurnTier, Severity};

/// The state of a burn tier: which of its two windows burn faster than its factor.
///
/// The number of a state is the value of `slo_instance_alert_state`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TierState {
    /// 0: both windows burn slower than the factor.
    #[default]
    Quiet = 0,
    /// 1: only the short window burns faster: a burn has begun.
    Rising = 1,
    /// 2: only the long window burns faster: the burn has ended.
    Cooling = 2,
    /// 3: both windows burn faster.
    Firing = 3,
}

impl TierState {
    /// Returns the value of `slo_instance_alert_state`.
    pub const fn as_number(self) -> u8 {
        self as u8
    }

    /// Returns `quiet`, `rising`, `cooling` or `firing`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::Rising => "rising",
            Self::Cooling => "cooling",
            Self::Firing => "firing",
        }
    }

    pub(super) fn of(tier: &BurnTier, long: &WindowStats, short: &WindowStats) -> Self {
        Self::from_windows(long.exceeds(tier.threshold()), short.exceeds(tier.threshold()))
    }

    fn from_windows(long: bool, short: bool) -> Self {
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

/// The state of one tier in one byte, so that a request can load it.
///
/// The two lower bits are the state. The third is set while the tier pages.
#[derive(Debug, Default)]
pub(super) struct TierCell(AtomicU8);

const PAGES: u8 = 4;

impl TierCell {
    /// Stores the state as of the last snapshot. Returns it, and whether it pages, if anything
    /// changed.
    pub(super) fn update(&self, tier: &BurnTier, ring: &Ring) -> Option<(TierState, bool)> {
        let (long, short) = (ring.read(tier.long()), ring.read(tier.short()));
        let state = TierState::of(tier, &long, &short);
        let pages = state == TierState::Firing
            && tier.severity() == Severity::Page
            && has_enough_bad_events(tier, &long);
        let bits = state.as_number() | if pages { PAGES } else { 0 };
        // Relaxed: the byte is complete in itself, and a request that loads the previous one is
        // as right as a request that came a moment earlier.
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

    /// Returns whether the tier fires as a page.
    #[inline]
    pub(super) fn pages(&self) -> bool {
        self.0.load(Ordering::Relaxed) & PAGES != 0
    }
}

/// Returns whether the long window has the bad events that a page of this tier needs.
pub(super) fn has_enough_bad_events(tier: &BurnTier, long: &WindowStats) -> bool {
    tier.min_bad_events().is_none_or(|minimum| long.bad() >= minimum)
}

#[cfg(test)]
mod tests {
    use super::TierState;

    #[test]
    fn the_numbers_are_those_that_are_exported() {
        use TierState::{Cooling, Firing, Quiet, Rising};
        assert_eq!([Quiet, Rising, Cooling, Firing].map(TierState::as_number), [0, 1, 2, 3]);
        assert_eq!(TierState::from_windows(true, false), Cooling, "the long window alone");
        assert_eq!(TierState::from_windows(false, true), Rising, "the short window alone");
    }
}
