//! Counts the instructions of a request with callgrind.
//!
//! Unlike time, the count is the same in every run and under any load, so it can have a bound. The
//! binary `instructions` runs twice, the second time with twice as many requests; the difference
//! divided by their number cancels everything else that the process does. Callgrind models neither
//! caches nor pipelines.

use std::path::Path;
use std::process::Command;

/// The number of requests in the shorter run.
const REQUESTS: u64 = 1_000;

/// The count, or the reason why there is none.
pub type Counted = Result<f64, String>;

/// Returns whether `valgrind` is installed.
pub fn available() -> bool {
    Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Returns the instructions of one request with `variant`. `what` is `serve` or `abandon`.
///
/// # Errors
///
/// Returns an error if Valgrind or the binary fails, or prints no count.
pub fn per_request(binary: &Path, variant: &str, what: &str) -> Counted {
    difference(binary, variant, what, "worker::Worker", REQUESTS)
}

/// Returns the instructions of one scrape of a thousand histograms of `library`.
///
/// # Errors
///
/// Returns an error if Valgrind or the binary fails, or prints no count.
pub fn per_scrape(binary: &Path, library: &str) -> Counted {
    // Both runs include the first scrape, which grows the buffers.
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
        // Counts the function with this symbol and everything that it calls.
        .arg(format!("--toggle-collect=*{of}*::{what}"))
        .arg(binary)
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
