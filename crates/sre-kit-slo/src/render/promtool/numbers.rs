//! Steps, events and shares of them.

use std::time::Duration;

use super::super::plan::Plan;
use crate::Decimal;

/// So many steps.
pub(super) fn times(step: Duration, n: u64) -> Duration {
    step * u32::try_from(n).unwrap_or(u32::MAX)
}

/// How many steps a length of time has.
pub(super) fn steps_of(length: Duration, step: Duration) -> u64 {
    u64::try_from(length.as_millis() / step.as_millis().max(1)).unwrap_or(u64::MAX)
}

/// Six significant digits, for numbers that are compared with a tolerance.
pub(super) fn rough(value: f64) -> String {
    let rounded: f64 = format!("{value:.5e}").parse().unwrap_or(value);
    rounded.to_string()
}

/// Events per step, so many that the smallest threshold is a thousand of them.
pub(super) fn traffic(plan: &Plan<'_>) -> u64 {
    let smallest = plan
        .tiers
        .iter()
        .map(|tier| tier.threshold)
        .chain([plan.slo.objective().error_budget()])
        .map(Decimal::as_f64)
        .fold(1.0, f64::min);
    let mut events = 1_000_000;
    while (events as f64) * smallest < 1_000.0 {
        events *= 10;
    }
    events
}

/// A share of events, as a whole number of them.
pub(super) fn share(events: u64, ratio: f64) -> u64 {
    // Both are positive, and the product is at most `events`.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let bad = (events as f64 * ratio.clamp(0.0, 1.0)).round() as u64;
    bad.min(events)
}
