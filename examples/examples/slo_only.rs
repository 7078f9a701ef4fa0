//! SLOs and error budgets for a job queue, without HTTP.
//!
//! A job may fail or be slow, which two SLOs count. After a few seconds, the example prints the
//! report that `/slo` would show and the counters that Prometheus would scrape.
//!
//! ```text
//! cargo run -p sre-kit-examples --example slo_only
//! ```
#![allow(clippy::print_stdout, reason = "examples print to standard output")]

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
                .description("Thumbnails are ready within 8 ms."),
        ],
    )?;
    let registry = Registry::new();
    let budgets = Budgets::new(&registry, &slos)?;
    // The ticker takes snapshots until it is dropped.
    let _ticker = budgets.spawn();

    // Get the budgets once and keep them: recording takes no lock and does not allocate.
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
            // The upload is not a picture, so the thumbnailer is not at fault.
            Err(Failure::NotAPicture) => pictures.record_excluded("not_a_picture"),
        }
    }
    budgets.tick();

    let hour = pictures.window(Window::hours(1));
    println!(
        "pictures: {} good and {} bad, burn rate {:.1}, coverage of the hour {:.2} %",
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

/// Takes 3 ms, or 12 ms for one job in 30. One job in 40 fails, and one in 100 is not a picture.
async fn thumbnail(job: u32) -> Result<(), Failure> {
    let millis = if job % 30 == 29 { 12 } else { 3 };
    tokio::time::sleep(Duration::from_millis(millis)).await;
    match job {
        job if job % 100 == 99 => Err(Failure::NotAPicture),
        job if job % 40 == 39 => Err(Failure::Broken),
        _ => Ok(()),
    }
}
