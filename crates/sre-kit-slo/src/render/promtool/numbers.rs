//! Conversions between times, steps and events.

use std::time::Duration;

use super::super::plan::Plan;
use crate::Decimal;

/// Returns the length of `n` steps.
pub(super) fn times(step: Duration, n: u64) -> Duration {
    step * u32::try_from(n).unwrap_or(u32::MAX)
}

/// Returns the number of whole steps in a length of time.
pub(super) fn steps_of(length: Duration, step: Duration) -> u64 {
    u64::try_from(length.as_millis() / step.as_millis().max(1)).unwrap_or(u64::MAX)
}

/// Renders six significant digits, for numbers that are compared with a tolerance.
pub(super) fn rough(value: f64) -> String {
    let rounded: f64 = format!("{value:.5e}").parse().unwrap_or(value);
    rounded.to_string()
}

/// Renders `samples` samples of one value in the notation of promtool.
pub(super) fn constant(value: &str, samples: u64) -> String {
    format!("{value}+0x{}", samples.saturating_sub(1))
}

/// Returns a number of events per step of which the smallest threshold is at least a thousand.
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

/// Returns a share of `events`, rounded to a whole number.
pub(super) fn share(events: u64, ratio: f64) -> u64 {
    // Both are positive, and the product is at most `events`.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let bad = (events as f64 * ratio.clamp(0.0, 1.0)).round() as u64;
    bad.min(events)
}
