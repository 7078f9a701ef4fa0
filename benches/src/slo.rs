//! The cost of an SLO: an event, a tick, reading its windows, generating its files.

use std::hint::black_box;
use std::time::{Duration, Instant};

use sre_kit::metrics::Registry;
use sre_kit::slo::render::{Options, render};
use sre_kit::slo::{Budget, Budgets, Clock, ManualClock, Objective, Slo, Slos};

use crate::alternate::percentile;

/// The number of SLOs of the measured service.
pub const SLOS: usize = 100;

/// The interval of snapshots in a service: two seconds.
const TICK: Duration = Duration::from_secs(2);

/// The costs in nanoseconds, except for the files.
#[derive(Clone, Copy, Debug)]
pub struct SloCosts {
    /// One event, minus an empty loop.
    pub event: f64,
    /// One tick, per SLO.
    pub tick: f64,
    /// Reading all windows of one SLO.
    pub windows: f64,
    /// Generating all files for all SLOs, in milliseconds.
    pub generate_ms: f64,
}

/// Returns a hundred SLOs of one service, half of which are latency SLOs.
///
/// # Panics
///
/// Never panics: the definitions are constant and valid.
pub fn slos() -> Slos {
    let objective = Objective::percent(99.9).expect("valid");
    let slos = (0..SLOS).map(|i| {
        let name = format!("slo-{i:02}");
        if i % 2 == 0 {
            Slo::availability(name, objective)
        } else {
            Slo::latency(name, objective, Duration::from_millis(250))
        }
    });
    Slos::new("bench", slos).expect("valid")
}

/// Returns their budgets, and the control of their manual clock.
///
/// # Panics
///
/// Never panics: the definitions are constant and valid.
pub fn budgets(slos: &Slos) -> (Budgets, ManualClock) {
    let (clock, hand) = Clock::manual();
    let registry = Registry::builder().max_series_per_family(20_000).build().expect("valid");
    let budgets = Budgets::builder().slos(slos).clock(clock).build(&registry).expect("valid");
    (budgets, hand)
}

/// Measures everything in `rounds` rounds each and returns low percentiles.
///
/// # Panics
///
/// Never panics: the definitions are constant and valid.
pub fn measure(rounds: usize) -> SloCosts {
    let slos = slos();
    let (budgets, hand) = budgets(&slos);
    // Simulates a day, after which every ring except the longest has wrapped around.
    for _ in 0..86_400 / 2 {
        hand.advance(TICK);
        budgets.tick();
    }
    let budget = budgets.slo("slo-00").expect("there");
    let mut ticks: Vec<_> = (0..rounds * 10)
        .map(|_| {
            budgets.iter().for_each(Budget::record_good);
            hand.advance(TICK);
            let start = Instant::now();
            budgets.tick();
            start.elapsed().as_nanos() as f64 / SLOS as f64
        })
        .collect();
    let all = budget.definition().windows();
    let windows = best(rounds, 200, || {
        for window in all {
            black_box(budget.window(*window));
        }
    });
    let mut generated: Vec<_> = (0..rounds.div_ceil(10))
        .map(|_| {
            let start = Instant::now();
            black_box(render(&slos, &Options::new()).expect("valid"));
            start.elapsed().as_secs_f64() * 1_000.0
        })
        .collect();
    SloCosts {
        event: best(rounds, 20_000, || black_box(&budget).record_good())
            - best(rounds, 20_000, || {
                black_box(&budget);
            }),
        tick: percentile(&mut ticks, 10),
        windows,
        generate_ms: percentile(&mut generated, 10),
    }
}

/// Returns the nanoseconds of one call in the fastest of `rounds` loops of `n` calls.
fn best(rounds: usize, n: usize, mut f: impl FnMut()) -> f64 {
    let mut times: Vec<_> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..n {
                f();
            }
            start.elapsed().as_nanos() as f64 / n as f64
        })
        .collect();
    percentile(&mut times, 0)
}

#[cfg(test)]
mod tests {
    use super::{SLOS, budgets, slos};

    #[test]
    fn an_event_is_counted_and_every_slo_has_its_eight_windows() {
        let slos = slos();
        let (budgets, _) = budgets(&slos);
        assert_eq!(budgets.iter().count(), SLOS);
        let budget = budgets.slo("slo-01").expect("there");
        budget.record_good();
        assert_eq!(budget.totals(), (1, 0));
        assert_eq!(budget.definition().windows().len(), 8);
    }
}
