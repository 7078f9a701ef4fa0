//! Burn tiers as they come out.

use std::fmt;

use super::low_traffic;
use super::span::{Period, Window};
use super::tier::{Minimum, Rate, Severity, Tier};
use crate::{Decimal, Objective};
use sre_kit_core::ConfigError;

const MONTH: f64 = 30.0 * 86_400.0;

/// A burn-rate alert of a checked SLO: it fires while
/// `bad / valid > factor x budget` over the long *and* over the short window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BurnTier {
    name: String,
    severity: Severity,
    long: Window,
    short: Window,
    factor: Decimal,
    threshold: Decimal,
    share: Decimal,
    min_bad_events: Option<u64>,
}

impl BurnTier {
    /// The value of the label `slo_tier`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it asks of people.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// The window that says that much of the budget went.
    pub fn long(&self) -> Window {
        self.long
    }

    /// The window that says that it still goes.
    pub fn short(&self) -> Window {
        self.short
    }

    /// How many times faster than it may the budget burns. At least 1.
    ///
    /// `share x period / long window`, rounded up to nine digits where it does
    /// not end before.
    pub fn factor(&self) -> Decimal {
        self.factor
    }

    /// The share of bad events above which it fires: `factor x error budget`,
    /// exactly, and below 1.
    pub fn threshold(&self) -> Decimal {
        self.threshold
    }

    /// The share of the period's budget that is gone when it has burnt at the
    /// factor for the long window, between 0 and 1.
    pub fn budget_share(&self) -> Decimal {
        self.share
    }

    /// Bad events in the long window below which a page is only a ticket. `None`
    /// for tickets, and where any event suffices.
    pub fn min_bad_events(&self) -> Option<u64> {
        self.min_bad_events
    }
}

/// What became of a standard tier that could not work as it stands.
///
/// A tier that was asked for with [`Slo::tiers`](super::Slo::tiers) is an error
/// instead, except that any factor below 1 is raised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TierAdjustment {
    slo: String,
    tier: String,
    text: String,
}

impl TierAdjustment {
    /// The SLO.
    pub fn slo(&self) -> &str {
        &self.slo
    }

    /// The tier.
    pub fn tier(&self) -> &str {
        &self.tier
    }
}

impl fmt::Display for TierAdjustment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SLO `{}`, tier `{}`: {}", self.slo, self.tier, self.text)
    }
}

/// What tiers are resolved against.
pub(super) struct Ground<'a> {
    pub(super) slo: &'a str,
    pub(super) objective: Objective,
    pub(super) period: Period,
    /// Whether the tiers were asked for, so that one that can not work is an error.
    pub(super) asked: bool,
}

/// Resolves one tier. `None` when it is left out; the reason is among the notes.
pub(super) fn resolve(
    tier: &Tier,
    ground: &Ground<'_>,
    notes: &mut Vec<TierAdjustment>,
) -> Result<Option<BurnTier>, ConfigError> {
    let mut note = |text: String| {
        notes.push(TierAdjustment { slo: ground.slo.to_owned(), tier: tier.name.clone(), text });
    };
    super::names::check_name("slo.tier", &tier.name)?;
    check_windows(tier)?;
    let period = ground.period;
    if tier.long > period.into() {
        if ground.asked {
            return Err(ConfigError::new(
                format!("slo.tier `{}`", tier.name),
                tier.long,
                format!("a window is no longer than the period, {period}"),
                "shorten the window or choose a longer period",
            ));
        }
        note(format!("left out, since {} is longer than the period, {period}", tier.long));
        return Ok(None);
    }
    let asked = factor(tier, period)?;
    let factor = asked.max(Decimal::ONE);
    if asked < factor {
        note(format!(
            "fires at a burn of 1 instead of {asked}, since a budget that burns slower than 1 \
             lasts for the period"
        ));
    }
    let budget = ground.objective.error_budget();
    let Some(threshold) = factor.times(budget).filter(|threshold| *threshold < Decimal::ONE) else {
        if ground.asked {
            return Err(ConfigError::new(
                format!("slo.tier `{}`", tier.name),
                factor,
                format!(
                    "with an error budget of {budget} it would fire above an error ratio of 1 or \
                     more, which can not happen"
                ),
                "lower its factor or budget share, or leave the tier out",
            ));
        }
        note(format!(
            "left out, since a burn of {factor} with an error budget of {budget} is an error ratio \
             of 1 or more, which can not happen"
        ));
        return Ok(None);
    };
    let (severity, min_bad_events) = minimum(tier, ground, budget, threshold, &mut note)?;
    let spent = factor.units() * u128::from(tier.long.as_secs());
    let share = Decimal::quotient(spent, Decimal::ONE.units() * u128::from(period.as_secs()));
    Ok(Some(BurnTier {
        name: tier.name.clone(),
        severity,
        long: tier.long,
        short: tier.short,
        factor,
        threshold,
        share: share.unwrap_or(Decimal::ONE),
        min_bad_events,
    }))
}

fn check_windows(tier: &Tier) -> Result<(), ConfigError> {
    let refuse = |window: Window, rule: &'static str, advice: &'static str| {
        Err(ConfigError::new(format!("slo.tier `{}`", tier.name), window, rule, advice))
    };
    for window in [tier.long, tier.short] {
        if window.as_secs() == 0 || window.as_duration().subsec_nanos() != 0 {
            return refuse(
                window,
                "a window has whole seconds, and at least one",
                "write it like `Window::minutes(5)`",
            );
        }
    }
    if tier.short >= tier.long {
        return refuse(
            tier.short,
            "the short window is shorter than the long one",
            "take a twelfth of the long one, as the Workbook does",
        );
    }
    Ok(())
}

/// The factor that was asked for, or that spends the share that was.
fn factor(tier: &Tier, period: Period) -> Result<Decimal, ConfigError> {
    let field = || format!("slo.tier `{}`", tier.name);
    let found = match tier.rate {
        Rate::Factor(factor) => Decimal::from_f64(factor).filter(|f| f.units() > 0),
        Rate::Share(percent) => Decimal::from_f64(percent)
            .filter(|_| percent > 0.0 && percent <= 100.0)
            .and_then(|percent| {
                let spent = percent.units().checked_mul(period.as_secs().into())?;
                let window = u128::from(tier.long.as_secs());
                Decimal::quotient(spent, Decimal::ONE.units() * 100 * window)
            }),
        Rate::Unset => {
            return Err(ConfigError::new(
                field(),
                "",
                "a tier says how fast the budget has to burn",
                "add `.budget_share(2.0)`, in percent, or `.factor(14.4)`",
            ));
        }
    };
    found.ok_or_else(|| {
        let (given, rule) = match tier.rate {
            Rate::Factor(given) => (
                given,
                "a factor is a positive number of at most nine digits \
                                            behind the point",
            ),
            Rate::Share(given) => (given, "a share is above 0 and up to 100 percent"),
            Rate::Unset => (0.0, ""),
        };
        ConfigError::new(field(), given, rule, "write `.budget_share(2.0)` or `.factor(14.4)`")
    })
}

/// Bad events that a page needs, or a ticket in its stead.
fn minimum(
    tier: &Tier,
    ground: &Ground<'_>,
    budget: Decimal,
    threshold: Decimal,
    note: &mut impl FnMut(String),
) -> Result<(Severity, Option<u64>), ConfigError> {
    let wanted = match (tier.severity, tier.minimum) {
        (Severity::Ticket, _) | (_, Minimum::Off | Minimum::Events(0)) => {
            return Ok((tier.severity, None));
        }
        (Severity::Page, Minimum::Events(events)) => Some(events),
        (Severity::Page, Minimum::Binomial) => low_traffic::min_bad_events(
            budget.as_f64(),
            threshold.as_f64(),
            MONTH / tier.long.as_secs() as f64,
        ),
    };
    if wanted.is_some() {
        return Ok((Severity::Page, wanted));
    }
    if ground.asked {
        return Err(ConfigError::new(
            format!("slo.tier `{}`", tier.name),
            threshold,
            format!(
                "so close to the error budget of {budget} a page can not be told from chance: a \
                 service that is at its objective would page"
            ),
            "make it a ticket, raise its factor, or set `.min_bad_events(..)`",
        ));
    }
    note(format!(
        "a ticket instead of a page, since an error ratio of {threshold} is too close to the error \
         budget of {budget} to be told from chance"
    ));
    Ok((Severity::Ticket, None))
}
