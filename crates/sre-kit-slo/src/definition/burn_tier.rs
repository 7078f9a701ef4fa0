//! A burn tier with its numbers.

use super::severity::Severity;
use super::window::Window;
use crate::Decimal;

/// A multi-window burn-rate alert of a validated SLO. It fires while `bad / valid` is above
/// [`threshold`](Self::threshold) over the long *and* over the short window.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BurnTier {
    pub(super) name: String,
    pub(super) severity: Severity,
    pub(super) long: Window,
    pub(super) short: Window,
    pub(super) factor: Decimal,
    pub(super) threshold: Decimal,
    pub(super) share: Decimal,
    pub(super) min_bad_events: Option<u64>,
}

impl BurnTier {
    /// Returns the name of the tier, which is the value of the label `slo_tier`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the severity of the alert.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// Returns the long window, which shows that the burn used up a significant share of the
    /// budget.
    pub fn long(&self) -> Window {
        self.long
    }

    /// Returns the short window, which shows that the burn still goes on.
    pub fn short(&self) -> Window {
        self.short
    }

    /// Returns the burn rate above which this tier fires: 1 uses up the budget exactly at the end
    /// of the period. At least 1.
    ///
    /// It is `share x period / long window`, rounded up to nine digits after the decimal point.
    pub fn factor(&self) -> Decimal {
        self.factor
    }

    /// Returns the error ratio above which this tier fires: exactly `factor x error budget`, and
    /// below 1.
    pub fn threshold(&self) -> Decimal {
        self.threshold
    }

    /// Returns the share of the period's error budget, from 0 to 1, that is used up if the budget
    /// burns at the factor for the length of the long window.
    pub fn budget_share(&self) -> Decimal {
        self.share
    }

    /// Returns the number of bad events in the long window that a page needs. With fewer it is a
    /// ticket. Returns `None` for tickets, and for pages that need no minimum.
    pub fn min_bad_events(&self) -> Option<u64> {
        self.min_bad_events
    }
}
