//! Counts the instructions of a request with callgrind.
//!
//! Unlike time, the count is the same in every run and under any load, so it can have a bound. The
//! binary `counts` runs twice, the second time with twice as many requests; the difference
//! divided by their number cancels everything else that the process does. Callgrind models neither
//! caches nor pipelines.

use std::path::Path;
use std::process::Command;

use crate::scrape::{LabelSets, libraries};
use crate::{Mix, variants};

/// The number of requests in the shorter run.
const REQUESTS: u64 = 1_000;

/// The number of scraped histograms.
const SETS: usize = 1_000;

/// The number of requests in a batch. The count includes freeing them, and with a thousand at once
/// the allocator's cost differs between variants.
const BATCH: usize = 50;

/// The count, or the reason why there is none.
pub type Counted = Result<f64, String>;

/// A binary that callgrind runs, with the arguments that come before those of the count.
#[derive(Clone, Copy, Debug)]
pub struct Program<'a> {
    /// The path of the binary.
    pub path: &'a Path,
    /// The first arguments.
    pub arguments: &'a [&'a str],
}

/// Returns whether `valgrind` is installed.
pub fn available() -> bool {
    Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Returns the instructions of one request with `variant`. `what` is `serve` or `abandon`.
///
/// # Errors
///
/// Returns an error if Valgrind or the binary fails, or prints no count.
pub fn per_request(program: Program<'_>, variant: &str, what: &str) -> Counted {
    difference(program, variant, what, "worker::Worker", REQUESTS)
}

/// Returns the instructions of one scrape of a thousand histograms of `library`.
///
/// # Errors
///
/// Returns an error if Valgrind or the binary fails, or prints no count.
pub fn per_scrape(program: Program<'_>, library: &str) -> Counted {
    // Both runs include the first scrape, which grows the buffers.
    difference(program, library, "encode", "scrape::Library", 2)
}

/// Serves requests or encodes scrapes, as the arguments `VARIANT serve|abandon REQUESTS` or
/// `LIBRARY encode SCRAPES` say. Callgrind counts while it runs. Returns `None` if the arguments
/// name nothing that there is.
pub fn run_counted(arguments: &[String]) -> Option<()> {
    let [name, what, times] = arguments else { return None };
    let times = times.parse().ok()?;
    if what == "encode" {
        return scrape(name, times);
    }
    let variant = variants::named(name)?;
    let mut worker = variant.worker(Mix::Hot);
    // Creates the series.
    worker.prepare(BATCH);
    worker.serve();
    for _ in 0..times / BATCH {
        worker.prepare(BATCH);
        match what.as_str() {
            "serve" => worker.serve(),
            "abandon" => worker.abandon(),
            _ => return None,
        }
    }
    Some(())
}

fn scrape(name: &str, times: usize) -> Option<()> {
    let mut all = libraries(&LabelSets::new(SETS));
    let (_, library) = all.iter_mut().find(|(known, _)| *known == name)?;
    library.observe_all();
    for _ in 0..times {
        library.encode();
    }
    Some(())
}

fn difference(program: Program<'_>, name: &str, what: &str, of: &str, times: u64) -> Counted {
    let once = run(program, name, what, of, times)?;
    let twice = run(program, name, what, of, 2 * times)?;
    Ok((twice as f64 - once as f64) / times as f64)
}

fn run(
    program: Program<'_>,
    variant: &str,
    what: &str,
    of: &str,
    times: u64,
) -> Result<u64, String> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no"])
        // Counts the function with this symbol and everything that it calls.
        .arg(format!("--toggle-collect=*{of}*::{what}"))
        .arg(program.path)
        .args(program.arguments)
        .args([variant, what, &times.to_string()])
        .output()
        .map_err(|err| format!("valgrind did not start: {err}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    collected(&text)
        .filter(|&count| output.status.success() && count > 0)
        .ok_or_else(|| format!("callgrind counted nothing for {variant}:\n{text}"))
}

/// Returns the count that callgrind prints at the end.
pub(crate) fn collected(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
}
