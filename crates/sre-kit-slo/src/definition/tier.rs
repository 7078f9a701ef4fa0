//! Burn tiers as they are asked for.

use std::fmt;

use super::span::Window;

/// What an alert asks of people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// Somebody looks now.
    Page,
    /// Somebody looks in working hours.
    Ticket,
}

impl Severity {
    /// The value of the label `severity`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Ticket => "ticket",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A multi-window burn-rate alert that is asked for: it fires while the budget
/// burns faster than a factor over a long *and* over a short window.
///
/// The four of the *Site Reliability Workbook*, chapter 5, are
/// [`fast`](Self::fast), [`medium`](Self::medium), [`slow`](Self::slow) and
/// [`long`](Self::long); an SLO has them unless it names others.
///
/// | Tier | Severity | Long | Short | Share of the budget | Factor at 30 days |
/// |---|---|---|---|---|---|
/// | `fast` | page | 1 h | 5 m | 2 % | 14.4 |
/// | `medium` | page | 6 h | 30 m | 5 % | 6 |
/// | `slow` | ticket | 1 d | 2 h | 10 % | 3 |
/// | `long` | ticket | 3 d | 6 h | 10 % | 1 |
///
/// The factor is `share x period / long window`, so that each tier spends its
/// share at any period. It is never below 1: a budget that burns at 1 or slower
/// lasts for the period, and no alert is due.
///
/// ```
/// use sre_kit_slo::{Tier, Window};
///
/// let hourly = Tier::page("hourly", Window::hours(1), Window::minutes(5)).budget_share(2.0);
/// let steep = Tier::ticket("steep", Window::hours(2), Window::minutes(10)).factor(10.0);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Tier {
    pub(super) name: String,
    pub(super) severity: Severity,
    pub(super) long: Window,
    pub(super) short: Window,
    pub(super) rate: Rate,
    pub(super) minimum: Minimum,
}

/// How fast a budget has to burn. Checked when the set is built.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Rate {
    Unset,
    /// Percent of the budget, spent within the long window.
    Share(f64),
    Factor(f64),
}

/// How many bad events a page needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Minimum {
    Binomial,
    Off,
    Events(u64),
}

impl Tier {
    /// A page. Say how fast with [`budget_share`](Self::budget_share) or
    /// [`factor`](Self::factor).
    pub fn page(name: impl Into<String>, long: Window, short: Window) -> Self {
        Self::new(name.into(), Severity::Page, long, short)
    }

    /// A ticket. Say how fast with [`budget_share`](Self::budget_share) or
    /// [`factor`](Self::factor).
    pub fn ticket(name: impl Into<String>, long: Window, short: Window) -> Self {
        Self::new(name.into(), Severity::Ticket, long, short)
    }

    fn new(name: String, severity: Severity, long: Window, short: Window) -> Self {
        Self { name, severity, long, short, rate: Rate::Unset, minimum: Minimum::Binomial }
    }

    /// A page for 2 % of the budget in an hour.
    pub fn fast() -> Self {
        Self::page("fast", Window::hours(1), Window::minutes(5)).budget_share(2.0)
    }

    /// A page for 5 % of the budget in six hours.
    pub fn medium() -> Self {
        Self::page("medium", Window::hours(6), Window::minutes(30)).budget_share(5.0)
    }

    /// A ticket for 10 % of the budget in a day.
    pub fn slow() -> Self {
        Self::ticket("slow", Window::days(1), Window::hours(2)).budget_share(10.0)
    }

    /// A ticket for 10 % of the budget in three days.
    pub fn long() -> Self {
        Self::ticket("long", Window::days(3), Window::hours(6)).budget_share(10.0)
    }

    /// The four tiers above, the steepest first.
    pub fn standard() -> [Self; 4] {
        [Self::fast(), Self::medium(), Self::slow(), Self::long()]
    }

    /// Fires when so many percent of the period's budget go within the long window.
    #[must_use]
    pub fn budget_share(mut self, percent: f64) -> Self {
        self.rate = Rate::Share(percent);
        self
    }

    /// Fires when the budget burns so many times faster than it may.
    #[must_use]
    pub fn factor(mut self, factor: f64) -> Self {
        self.rate = Rate::Factor(factor);
        self
    }

    /// A page needs so many bad events in the long window, and is a ticket with
    /// fewer. Unless set, the number comes from the binomial distribution, see
    /// [low traffic](crate::slo#low-traffic).
    #[must_use]
    pub fn min_bad_events(mut self, events: u64) -> Self {
        self.minimum = Minimum::Events(events);
        self
    }

    /// A page needs no number of bad events: one failure in a quiet hour pages.
    #[must_use]
    pub fn any_bad_event(mut self) -> Self {
        self.minimum = Minimum::Off;
        self
    }
}
