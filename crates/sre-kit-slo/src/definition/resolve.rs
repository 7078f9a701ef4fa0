//! The resolution of tiers: from what was requested to a burn tier with its numbers.

use super::burn_tier::BurnTier;
use super::low_traffic;
use super::period::Period;
use super::severity::Severity;
use super::slo::Slo;
use super::tier::{Minimum, Rate, Tier};
use super::tier_adjustment::TierAdjustment;
use super::window::Window;
use crate::{Decimal, Objective};
use sre_kit_core::ConfigError;

/// Thirty days in seconds: the time in which false pages are counted.
const MONTH_SECONDS: f64 = 30.0 * 86_400.0;

/// Resolves the tiers of an SLO: those of [`Slo::tiers`], or the standard ones as far as they can
/// work.
pub(super) fn resolve_tiers(
    slo: &Slo,
    adjustments: &mut Vec<TierAdjustment>,
) -> Result<Vec<BurnTier>, ConfigError> {
    let standard = Tier::standard();
    let explicit = slo.tiers.is_some();
    let requested = slo.tiers.as_deref().unwrap_or(&standard);
    if let Some(unknown) =
        slo.without.iter().find(|name| !requested.iter().any(|t| t.name == **name))
    {
        let names: Vec<_> = requested.iter().map(|tier| tier.name.as_str()).collect();
        return Err(ConfigError::new(
            format!("slo `{}`", slo.name),
            unknown,
            "there is no tier of that name to leave out",
            format!("the tiers are {}", names.join(", ")),
        ));
    }
    let context =
        TierContext { slo: &slo.name, objective: slo.objective, period: slo.period, explicit };
    let mut tiers: Vec<BurnTier> = Vec::new();
    for tier in requested.iter().filter(|tier| !slo.without.contains(&tier.name)) {
        if tiers.iter().any(|known| known.name() == tier.name) {
            return Err(ConfigError::new(
                format!("slo `{}`", slo.name),
                &tier.name,
                "two tiers have that name",
                "rename one: it becomes the label `slo_tier`",
            ));
        }
        tiers.extend(resolve(tier, &context, adjustments)?);
    }
    if tiers.is_empty() && slo.without.is_empty() {
        return Err(ConfigError::new(
            format!("slo `{}`", slo.name),
            slo.objective,
            format!("no burn tier can work with that objective over {}", slo.period),
            "choose tiers with `.tiers(..)`, or leave all out with `.without_tier(..)`",
        ));
    }
    Ok(tiers)
}

/// The properties of an SLO that decide what becomes of a tier.
struct TierContext<'a> {
    slo: &'a str,
    objective: Objective,
    period: Period,
    /// Whether the tiers were set by [`Slo::tiers`](super::Slo::tiers), so that one that cannot
    /// work is an error.
    explicit: bool,
}

/// Computes the numbers of one tier. Returns `None` if it is left out, for the reason that is
/// appended to `adjustments`.
fn resolve(
    tier: &Tier,
    context: &TierContext<'_>,
    adjustments: &mut Vec<TierAdjustment>,
) -> Result<Option<BurnTier>, ConfigError> {
    let mut adjust = |reason: String| {
        let (slo, tier) = (context.slo.to_owned(), tier.name.clone());
        adjustments.push(TierAdjustment { slo, tier, reason });
    };
    super::names::check_name("slo.tier", &tier.name)?;
    check_windows(tier)?;
    let period = context.period;
    if tier.long > period.into() {
        if context.explicit {
            return Err(ConfigError::new(
                format!("slo.tier `{}`", tier.name),
                tier.long,
                format!("a window is no longer than the period, {period}"),
                "shorten the window or choose a longer period",
            ));
        }
        adjust(format!("left out, since {} is longer than the period, {period}", tier.long));
        return Ok(None);
    }
    let requested = factor(tier, period)?;
    let factor = requested.max(Decimal::ONE);
    if requested < factor {
        adjust(format!(
            "fires at a burn of 1 instead of {requested}, since a budget that burns slower than 1 \
             lasts for the period"
        ));
    }
    let budget = context.objective.error_budget();
    let Some(threshold) = factor.times(budget).filter(|threshold| *threshold < Decimal::ONE) else {
        if context.explicit {
            return Err(ConfigError::new(
                format!("slo.tier `{}`", tier.name),
                factor,
                format!(
                    "with an error budget of {budget} it would fire above an error ratio of 1 or \
                     more, which cannot happen"
                ),
                "lower its factor or budget share, or leave the tier out",
            ));
        }
        adjust(format!(
            "left out, since a burn of {factor} with an error budget of {budget} is an error ratio \
             of 1 or more, which cannot happen"
        ));
        return Ok(None);
    };
    let (severity, min_bad_events) = minimum(tier, context, budget, threshold, &mut adjust)?;
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
    let invalid = |window: Window, rule: &'static str, advice: &'static str| {
        Err(ConfigError::new(format!("slo.tier `{}`", tier.name), window, rule, advice))
    };
    for window in [tier.long, tier.short] {
        if window.as_secs() == 0 || window.as_duration().subsec_nanos() != 0 {
            return invalid(
                window,
                "a window has whole seconds, and at least one",
                "write it like `Window::minutes(5)`",
            );
        }
    }
    if tier.short >= tier.long {
        return invalid(
            tier.short,
            "the short window is shorter than the long one",
            "take a twelfth of the long one, as the Workbook does",
        );
    }
    Ok(())
}

/// Returns the requested factor, or the factor that uses up the requested share.
fn factor(tier: &Tier, period: Period) -> Result<Decimal, ConfigError> {
    let field = || format!("slo.tier `{}`", tier.name);
    let exact = match tier.rate {
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
    exact.ok_or_else(|| {
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

/// Returns the bad events that a page needs, or a ticket if no number of them suffices.
fn minimum(
    tier: &Tier,
    context: &TierContext<'_>,
    budget: Decimal,
    threshold: Decimal,
    adjust: &mut impl FnMut(String),
) -> Result<(Severity, Option<u64>), ConfigError> {
    let wanted = match (tier.severity, tier.minimum) {
        (Severity::Ticket, _) | (_, Minimum::Off | Minimum::Events(0)) => {
            return Ok((tier.severity, None));
        }
        (Severity::Page, Minimum::Events(events)) => Some(events),
        (Severity::Page, Minimum::Binomial) => low_traffic::min_bad_events(
            budget.as_f64(),
            threshold.as_f64(),
            MONTH_SECONDS / tier.long.as_secs() as f64,
        ),
    };
    if wanted.is_some() {
        return Ok((Severity::Page, wanted));
    }
    if context.explicit {
        return Err(ConfigError::new(
            format!("slo.tier `{}`", tier.name),
            threshold,
            format!(
                "so close to the error budget of {budget} a page cannot be distinguished from chance: a \
                 service that is at its objective would page"
            ),
            "make it a ticket, raise its factor, or set `.min_bad_events(..)`",
        ));
    }
    adjust(format!(
        "a ticket instead of a page, since an error ratio of {threshold} is too close to the error \
         budget of {budget} to be distinguished from chance"
    ));
    Ok((Severity::Ticket, None))
}
