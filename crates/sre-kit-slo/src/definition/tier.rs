//! Burn tiers as they are requested.

use super::severity::Severity;
use super::window::Window;

/// A multi-window burn-rate alert as it is requested: it fires while the budget burns faster than
/// a factor over a long *and* over a short window.
///
/// The four standard tiers follow the *Site Reliability Workbook*, chapter 5. An SLO has them
/// unless [`Slo::tiers`](super::Slo::tiers) sets others.
///
/// | Tier | Severity | Long window | Short window | Share of the budget | Factor at 30 days |
/// |---|---|---|---|---|---|
/// | [`fast`](Self::fast) | page | 1 h | 5 m | 2 % | 14.4 |
/// | [`medium`](Self::medium) | page | 6 h | 30 m | 5 % | 6 |
/// | [`slow`](Self::slow) | ticket | 1 d | 2 h | 10 % | 3 |
/// | [`long`](Self::long) | ticket | 3 d | 6 h | 10 % | 1 |
///
/// The factor is `share x period / long window`, so that each tier stands for the same share of
/// the budget at every period. It is never below 1: a budget that burns at 1 or slower lasts for
/// the period, and no alert is needed.
///
/// ```
/// use sre_kit_slo::{Tier, Window};
///
/// let hourly = Tier::page("hourly", Window::hours(1), Window::minutes(5)).budget_share(2.0);
/// let steep = Tier::ticket("steep", Window::hours(2), Window::minutes(10)).factor(10.0);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a tier does nothing before `Slo::tiers`"]
pub struct Tier {
    pub(super) name: String,
    pub(super) severity: Severity,
    pub(super) long: Window,
    pub(super) short: Window,
    pub(super) rate: Rate,
    pub(super) minimum: Minimum,
}

/// The burn rate at which a tier fires. [`Slos::new`](super::Slos::new) checks it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Rate {
    Unset,
    /// The percentage of the budget that is used up within the long window.
    Share(f64),
    Factor(f64),
}

/// The bad events that a page needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Minimum {
    Binomial,
    Off,
    Events(u64),
}

impl Tier {
    /// Creates a tier that pages. It needs a [`budget_share`](Self::budget_share) or a
    /// [`factor`](Self::factor).
    pub fn page(name: impl Into<String>, long: Window, short: Window) -> Self {
        Self::new(name.into(), Severity::Page, long, short)
    }

    /// Creates a tier that opens a ticket. It needs a [`budget_share`](Self::budget_share) or a
    /// [`factor`](Self::factor).
    pub fn ticket(name: impl Into<String>, long: Window, short: Window) -> Self {
        Self::new(name.into(), Severity::Ticket, long, short)
    }

    fn new(name: String, severity: Severity, long: Window, short: Window) -> Self {
        Self { name, severity, long, short, rate: Rate::Unset, minimum: Minimum::Binomial }
    }

    /// Returns the tier that pages for 2 % of the budget within an hour.
    pub fn fast() -> Self {
        Self::page("fast", Window::hours(1), Window::minutes(5)).budget_share(2.0)
    }

    /// Returns the tier that pages for 5 % of the budget within six hours.
    pub fn medium() -> Self {
        Self::page("medium", Window::hours(6), Window::minutes(30)).budget_share(5.0)
    }

    /// Returns the tier that opens a ticket for 10 % of the budget within a day.
    pub fn slow() -> Self {
        Self::ticket("slow", Window::days(1), Window::hours(2)).budget_share(10.0)
    }

    /// Returns the tier that opens a ticket for 10 % of the budget within three days.
    pub fn long() -> Self {
        Self::ticket("long", Window::days(3), Window::hours(6)).budget_share(10.0)
    }

    /// Returns the four standard tiers, from the highest factor to the lowest.
    pub fn standard() -> [Self; 4] {
        [Self::fast(), Self::medium(), Self::slow(), Self::long()]
    }

    /// Sets the factor so that the tier fires when `percent` of the period's error budget is used
    /// up within the long window.
    pub fn budget_share(mut self, percent: f64) -> Self {
        self.rate = Rate::Share(percent);
        self
    }

    /// Sets the burn rate above which the tier fires: 1 uses up the budget exactly at the end of
    /// the period.
    pub fn factor(mut self, factor: f64) -> Self {
        self.rate = Rate::Factor(factor);
        self
    }

    /// Sets the number of bad events in the long window that a page needs. With fewer it is a
    /// ticket. Defaults to the minimum by the binomial distribution, see
    /// [low traffic](crate#low-traffic).
    pub fn min_bad_events(mut self, events: u64) -> Self {
        self.minimum = Minimum::Events(events);
        self
    }

    /// Lets a page fire with any number of bad events: a single failure in a quiet hour pages.
    pub fn any_bad_event(mut self) -> Self {
        self.minimum = Minimum::Off;
        self
    }
}
