//! What an SLO costs: an event, a tick, a look at its windows, its memory, its files.

use std::hint::black_box;
use std::time::{Duration, Instant};

use sre_kit::metrics::Registry;
use sre_kit::slo::render::{Options, render};
use sre_kit::slo::{Budget, Budgets, Clock, ManualClock, Objective, Slo, Slos};

use crate::alternate::percentile;

/// SLOs of the service that is measured.
pub const SLOS: usize = 100;

/// Two seconds: how often a service takes a snapshot.
const TICK: Duration = Duration::from_secs(2);

/// Nanoseconds, but for the files.
#[derive(Clone, Copy, Debug)]
pub struct SloCosts {
    /// One event, over a loop that counts nothing.
    pub event: f64,
    /// One tick, per SLO.
    pub tick: f64,
    /// A look at each window of one SLO, all together.
    pub windows: f64,
    /// Everything that is generated for all SLOs, in milliseconds.
    pub generate_ms: f64,
}

/// A hundred SLOs of one service, half of them of latency.
///
/// # Panics
///
/// Never: what they are made of is constant and valid.
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

/// Their budgets, and what moves their clock.
///
/// # Panics
///
/// Never, as above.
pub fn budgets(slos: &Slos) -> (Budgets, ManualClock) {
    let (clock, hand) = Clock::manual();
    let registry = Registry::builder().max_series_per_family(20_000).build().expect("valid");
    let budgets = Budgets::builder().slos(slos).clock(clock).build(&registry).expect("valid");
    (budgets, hand)
}

/// Measures all of it. `rounds` of each, of which a low percentile counts.
///
/// # Panics
///
/// Never, as above.
pub fn measure(rounds: usize) -> SloCosts {
    let slos = slos();
    let (budgets, hand) = budgets(&slos);
    // A day: every ring but the longest has been round.
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

/// Nanoseconds of one call, in the best of `rounds` loops of `n`.
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
