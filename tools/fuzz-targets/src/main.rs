//! Runs the mutation loop for a time, or measures how a target's time grows with its input.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use fuzz_targets::{Mutator, TARGETS, Target, checkpoint_seed, corpus};

const USAGE: &str = "fuzz-targets run TARGET SECONDS [SEED]   mutates the corpus for a time\n\
                     fuzz-targets growth                      compares inputs of n and of 2n bytes\n\
                     fuzz-targets seed                        writes a checkpoint into the corpus";

fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["run", target, seconds] => run(find(target)?, seconds.parse()?, 1),
        ["run", target, seconds, seed] => run(find(target)?, seconds.parse()?, seed.parse()?),
        ["growth"] => growth(),
        ["seed"] => {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/checkpoint/saved");
            std::fs::write(path, checkpoint_seed()?).context("the corpus cannot be written")
        }
        _ => bail!(USAGE),
    }
}

fn find(name: &str) -> Result<Target> {
    let target = TARGETS.into_iter().find(|target| target.name == name);
    target.with_context(|| format!("no target is named {name}"))
}

/// Runs mutations for `seconds` and prints how many, and the slowest one.
fn run(target: Target, seconds: u64, seed: u64) -> Result<()> {
    let mut mutator = Mutator::new(corpus(target.name)?, seed);
    let end = Instant::now() + Duration::from_secs(seconds);
    let (mut inputs, mut slowest) = (0_u64, (Duration::ZERO, 0));
    while Instant::now() < end {
        let input = mutator.next_input();
        let started = Instant::now();
        (target.run)(black_box(&input));
        slowest = slowest.max((started.elapsed(), input.len()));
        inputs += 1;
    }
    let (time, length) = slowest;
    say(&format!(
        "{}: {inputs} inputs in {seconds} s, no panic, the slowest {time:?} with {length} bytes",
        target.name
    ));
    Ok(())
}

/// Prints the ratio of the times for 2n and for n bytes: 2 is linear, 4 is quadratic.
fn growth() -> Result<()> {
    for target in TARGETS {
        let mut worst = (0.0, 0, 0);
        for (index, seed) in corpus(target.name)?.iter().enumerate() {
            let mut seed = seed.clone();
            seed.push(b',');
            for parts in [seed.as_slice(), &seed[..1], b",", b"[", b"a=b,", b"q=0.1;", b"&a=b"] {
                let [half, whole] = [16 * 1024, 32 * 1024].map(|length| {
                    let input: Vec<_> = parts.iter().copied().cycle().take(length).collect();
                    least_time(target, &input)
                });
                // Below 20 microseconds the clock and the caches decide.
                if whole > Duration::from_micros(20) {
                    let ratio = whole.as_secs_f64() / half.as_secs_f64();
                    if ratio > worst.0 {
                        worst = (ratio, index, parts.len());
                    }
                }
            }
        }
        say(&format!("{}: at most {:.2} times for twice the bytes", target.name, worst.0));
    }
    Ok(())
}

fn least_time(target: Target, input: &[u8]) -> Duration {
    let times = (0..9).map(|_| {
        let started = Instant::now();
        (target.run)(black_box(input));
        started.elapsed()
    });
    times.min().unwrap_or_default()
}

#[allow(clippy::print_stdout, reason = "the result of the command")]
fn say(line: &str) {
    println!("{line}");
}
