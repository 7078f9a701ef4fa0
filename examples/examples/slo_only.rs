//! Error budgets for work that has nothing to do with HTTP.
//!
//! A queue of jobs, each of which may fail or be late; two objectives, counted
//! where the work is done. After a few seconds the table of `/slo` is printed,
//! and the counters that Prometheus would scrape.
//!
//! ```text
//! cargo run -p sre-kit-examples --example slo_only
//! ```
#![allow(clippy::print_stdout)] // an example speaks

use std::error::Error;
use std::time::{Duration, Instant};

use sre_kit::metrics::{Registry, TextFormat};
use sre_kit::slo::{Budgets, Objective, Slo, Slos, Window};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let slos = Slos::new(
        "thumbnailer",
        [
            Slo::ratio("pictures", Objective::percent(99.5)?)
                .description("Uploaded pictures get a thumbnail.")
                .owner("media")
                .exclude_marked("not_a_picture"),
            Slo::latency("pictures-latency", Objective::percent(95.0)?, Duration::from_millis(8))
                .description("Thumbnails are there within 8 ms."),
        ],
    )?;
    let registry = Registry::new();
    let budgets = Budgets::new(&registry, &slos)?;
    // Snapshots are taken while this is held.
    let _ticker = budgets.spawn();

    // Asked for once and kept: counting takes no lock and allocates nothing.
    let pictures = budgets.slo("pictures")?;
    let latency = budgets.slo("pictures-latency")?;
    for job in 0..600 {
        let started = Instant::now();
        let result = thumbnail(job).await;
        match result {
            Ok(()) => {
                pictures.record_good();
                latency.record(true, started.elapsed());
            }
            Err(Failure::Broken) => pictures.record_bad(),
            // Somebody uploaded a text: the thumbnailer is not at fault.
            Err(Failure::NotAPicture) => pictures.record_excluded("not_a_picture"),
        }
    }
    budgets.tick();

    let hour = pictures.window(Window::hours(1));
    println!(
        "pictures: {} good and {} bad, {:.1} times the budget's rate, {:.2} % of the hour seen",
        hour.good(),
        hour.bad(),
        hour.burn_rate(),
        hour.coverage() * 100.0
    );
    println!("\n{}", budgets.report());

    let mut text = String::new();
    registry.encode_text(&mut text, TextFormat::Prometheus);
    for line in text.lines().filter(|line| line.starts_with("slo_events")) {
        println!("{line}");
    }
    Ok(())
}

enum Failure {
    Broken,
    NotAPicture,
}

/// Takes 3 ms, sometimes 12; one in 40 fails, one in 100 is no picture.
async fn thumbnail(job: u32) -> Result<(), Failure> {
    let millis = if job % 30 == 29 { 12 } else { 3 };
    tokio::time::sleep(Duration::from_millis(millis)).await;
    match job {
        job if job % 100 == 99 => Err(Failure::NotAPicture),
        job if job % 40 == 39 => Err(Failure::Broken),
        _ => Ok(()),
    }
}
