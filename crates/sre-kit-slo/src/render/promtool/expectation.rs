//! What a tier should do, computed from the definition alone.

use std::time::Duration;

use super::super::plan::PlannedTier;
use super::timeline::Timeline;
use crate::Severity;

/// The expected state of a tier at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expectation {
    Fires(Severity),
    Silent,
    /// The moment is too close to a threshold for an expectation.
    Unclear,
}

/// The relative distance from a threshold that a moment must have.
const MARGIN: f64 = 0.02;

/// Returns the state of a tier by its definition: it fires if the error ratio is above the threshold
/// over both windows, and a page needs its minimum of bad events.
///
/// Prometheus 2 includes the first interval of a window whose samples lie on its edges, Prometheus 3
/// does not. If the result depends on that interval, it is unclear.
pub(super) fn expectation(tier: &PlannedTier<'_>, timeline: &Timeline, at: u64) -> Expectation {
    let whole = expectation_over(tier, timeline, at, Duration::ZERO);
    let without_first = expectation_over(tier, timeline, at, timeline.step);
    if whole == without_first { whole } else { Expectation::Unclear }
}

fn expectation_over(
    tier: &PlannedTier<'_>,
    timeline: &Timeline,
    at: u64,
    unseen: Duration,
) -> Expectation {
    let threshold = tier.threshold.as_f64();
    let mut fires = true;
    for window in [tier.long, tier.short] {
        let ratio = timeline.ratio(at, window.saturating_sub(unseen));
        if (ratio / threshold - 1.0).abs() < MARGIN {
            return Expectation::Unclear;
        }
        fires &= ratio > threshold;
    }
    if !fires {
        return Expectation::Silent;
    }
    let bad = timeline.bad(at, tier.long.saturating_sub(unseen));
    let enough = tier.min_bad_events.is_none_or(|k| bad >= k);
    Expectation::Fires(if enough { tier.severity } else { Severity::Ticket })
}
