//! How many instructions a request takes, counted by callgrind.
//!
//! Unlike time this is the same on every run and under any load, so it can be
//! held to a bound. Two runs of the binary `instructions`, one with twice as many
//! requests, and the difference over their number: whatever else the process did
//! is in both. Callgrind models no cache and no pipeline: it counts.

use std::path::Path;
use std::process::Command;

/// Requests of the shorter run.
const REQUESTS: u64 = 1_000;

/// What callgrind found, or why it found nothing.
pub type Counted = Result<f64, String>;

/// Whether `valgrind` is there.
pub fn available() -> bool {
    Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Instructions for one request by `variant`. `what` is `serve` or `abandon`.
///
/// # Errors
///
/// When valgrind or the binary cannot be run, or print no count.
pub fn per_request(binary: &Path, variant: &str, what: &str) -> Counted {
    difference(binary, variant, what, "worker::Worker", REQUESTS)
}

/// Instructions for one scrape of a thousand histograms of `library`.
///
/// # Errors
///
/// As above.
pub fn per_scrape(binary: &Path, library: &str) -> Counted {
    // The first one grows the buffers, and is in both runs.
    difference(binary, library, "encode", "scrape::Library", 2)
}

fn difference(binary: &Path, name: &str, what: &str, of: &str, times: u64) -> Counted {
    let once = run(binary, name, what, of, times)?;
    let twice = run(binary, name, what, of, 2 * times)?;
    Ok((twice as f64 - once as f64) / times as f64)
}

fn run(binary: &Path, variant: &str, what: &str, of: &str, times: u64) -> Result<u64, String> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no"])
        // The function and all that it calls, by its symbol.
        .arg(format!("--toggle-collect=*{of}*::{what}"))
        .arg(binary)
        .args([variant, what, &times.to_string()])
        .output()
        .map_err(|err| format!("valgrind did not start: {err}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    text.lines()
        .find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
        .filter(|&count| output.status.success() && count > 0)
        .ok_or_else(|| format!("callgrind counted nothing for {variant}:\n{text}"))
}
