//! Every recorded error ratio, on a history with a different ratio in each window.

use std::time::Duration;

use super::super::plan::Plan;
use super::case::Case;
use super::numbers::{steps_of, times};
use super::timeline::Timeline;

/// The relative tolerance: a range may miss one interval between two samples at its edges.
const TOLERANCE: f64 = 0.1;

/// The good and bad events per step of successive sections.
const PATTERN: [(u64, u64); 3] = [(1_000, 1_000), (3_000, 150), (600, 60)];

/// A history in which each window, half of it and twice of it have different ratios. It ends at an
/// evaluation of the rules.
pub(super) fn cases(
    plan: &Plan<'_>,
    windows: &[Duration],
    step: Duration,
    evaluation: Duration,
) -> Vec<Case> {
    if windows.is_empty() {
        return Vec::new();
    }
    let timeline = history(windows, step, steps_of(evaluation, step));
    let at = timeline.len();
    let mut case = Case::beside_an_idle_one("each window sees its own past", timeline.clone());
    for window in windows {
        let expected = timeline.ratio(at, *window);
        case.expect_near(times(step, at), &plan.ratio(*window), expected, TOLERANCE);
    }
    if windows.contains(&plan.base) {
        let (rate, bad) = (timeline.rate(at, plan.base), timeline.bad_rate(at, plan.base));
        let at = times(step, at);
        case.expect_near(at, &plan.recorded(&plan.events_rate()), rate, TOLERANCE);
        case.expect_near(at, &plan.recorded(&plan.bad_events_rate()), bad, TOLERANCE);
    }
    vec![case]
}

/// Returns a history, oldest first, that changes at half of each window, at the window and at twice
/// of it. Its length is a multiple of `unit` steps.
fn history(windows: &[Duration], step: Duration, unit: u64) -> Timeline {
    let mut borders: Vec<_> = windows
        .iter()
        .flat_map(|window| [*window / 2, *window, *window * 2])
        .map(|age| steps_of(age, step))
        .filter(|age| *age > 0)
        .collect();
    borders.sort_unstable();
    borders.dedup();
    if let Some(oldest) = borders.last_mut() {
        *oldest = oldest.next_multiple_of(unit.max(1));
    }
    let ages: Vec<_> = borders
        .iter()
        .scan(0, |from, to| {
            let length = *to - *from;
            *from = *to;
            Some(length)
        })
        .collect();
    let pattern = PATTERN.iter().cycle();
    let pieces: Vec<_> = ages.into_iter().zip(pattern).collect();
    pieces.into_iter().rev().fold(Timeline::new(step), |timeline, (steps, (good, bad))| {
        timeline.then(steps, *good, *bad)
    })
}
