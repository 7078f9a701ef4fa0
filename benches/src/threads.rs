//! The cost of a layer that two threads share.
//!
//! The two processors of a virtual machine may be on one chip or far apart, and the host moves
//! them. So each round measures the transfer time of a cache line between them before and after,
//! and rounds are grouped by it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::alternate::{BATCH, Cost, percentile};
use crate::request::Mix;
use crate::variants::Variant;

/// The distance between two processors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distance {
    /// A round trip of a cache line takes less than 150 ns.
    Near,
    /// A round trip takes more than 250 ns.
    Far,
    /// A round trip takes a time in between, or its class changed during the round.
    Unclear,
}

impl Distance {
    fn of(before: f64, after: f64) -> Self {
        match (before, after) {
            (b, a) if b < 150.0 && a < 150.0 => Self::Near,
            (b, a) if b > 250.0 && a > 250.0 => Self::Far,
            _ => Self::Unclear,
        }
    }

    /// Returns the name for the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Near => "near",
            Self::Far => "far",
            Self::Unclear => "unclear",
        }
    }
}

/// The result of one round on two threads.
#[derive(Clone, Copy, Debug)]
pub struct Shared {
    /// Nanoseconds per request of the slower thread, medians over the batches.
    pub cost: Cost,
    /// The distance of the processors.
    pub distance: Distance,
    /// Nanoseconds for a round trip of a cache line, before and after the round.
    pub ping_pong: [f64; 2],
}

/// Pins the calling thread to the `n`th processor it may use, if the system supports it.
pub fn pin(n: usize) {
    if let Some(core) = core_affinity::get_core_ids().and_then(|cores| cores.get(n).copied()) {
        core_affinity::set_for_current(core);
    }
}

#[repr(align(128))]
struct Line(AtomicUsize);

/// Spins until `line` is `value`. Yields if the other thread has probably lost its processor.
fn wait_for(line: &Line, value: usize) {
    for spins in 0_usize.. {
        if line.0.load(Ordering::Acquire) == value {
            return;
        }
        if spins > 10_000 {
            std::thread::yield_now();
        }
        std::hint::spin_loop();
    }
}

/// Measures the nanoseconds for a round trip of a cache line between the processors, as the fifth
/// percentile of batches.
pub fn ping_pong() -> f64 {
    const TRIPS: usize = 500;
    const BATCHES: usize = 60;
    let line = Line(AtomicUsize::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            pin(1);
            for trip in 0..TRIPS * BATCHES {
                wait_for(&line, 2 * trip + 1);
                line.0.store(2 * trip + 2, Ordering::Release);
            }
        });
        pin(0);
        let mut times = Vec::with_capacity(BATCHES);
        for batch in 0..BATCHES {
            let start = Instant::now();
            for trip in batch * TRIPS..(batch + 1) * TRIPS {
                line.0.store(2 * trip + 1, Ordering::Release);
                wait_for(&line, 2 * trip + 2);
            }
            times.push(start.elapsed().as_nanos() as f64 / TRIPS as f64);
        }
        percentile(&mut times, 5)
    })
}

/// Measures one round of `pairs` pairs of batches, with both threads on the same route. The time of
/// a batch is that of the slower thread.
///
/// # Panics
///
/// Panics if a thread cannot be started.
pub fn round(base: &Variant, variant: &Variant, pairs: usize) -> Shared {
    let before = ping_pong();
    let barrier = Line(AtomicUsize::new(0));
    let thread = |number: usize| {
        pin(number);
        let mut workers = [base.worker(Mix::Hot), variant.worker(Mix::Hot)];
        let mut times = [Vec::with_capacity(pairs), Vec::with_capacity(pairs)];
        let mut meetings = 0;
        let mut meet = || {
            meetings += 2;
            barrier.0.fetch_add(1, Ordering::AcqRel);
            for spins in 0_usize.. {
                if barrier.0.load(Ordering::Acquire) >= meetings {
                    break;
                }
                if spins > 10_000 {
                    std::thread::yield_now();
                }
                std::hint::spin_loop();
            }
        };
        for worker in &mut workers {
            for _ in 0..16 {
                worker.prepare(BATCH);
                worker.serve();
            }
        }
        for pair in 0..pairs {
            for (worker, times) in workers.iter_mut().zip(&mut times) {
                worker.prepare(BATCH);
                meet();
                let start = Instant::now();
                worker.serve();
                times.push(start.elapsed().as_nanos() as f64 / BATCH as f64);
            }
            if number == 0 && pair % 400 == 399 {
                variant.run_upkeep();
            }
        }
        times
    };
    let [mut base_times, mut whole_times] = std::thread::scope(|scope| {
        let other = scope.spawn(|| thread(1));
        let [base, whole] = thread(0);
        let [other_base, other_whole] = other.join().expect("the thread only measures");
        [slower(&base, &other_base), slower(&whole, &other_whole)]
    });
    variant.run_upkeep();
    let after = ping_pong();
    Shared {
        cost: Cost {
            base: percentile(&mut base_times, 50),
            whole: percentile(&mut whole_times, 50),
        },
        distance: Distance::of(before, after),
        ping_pong: [before, after],
    }
}

fn slower(one: &[f64], other: &[f64]) -> Vec<f64> {
    one.iter().zip(other).map(|(a, b)| a.max(*b)).collect()
}
