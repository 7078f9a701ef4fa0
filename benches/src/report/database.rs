//! Runs the binary `database` in a separate process, since it starts a server, runtimes and
//! connections that would disturb the other measurements.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// Returns whether PostgreSQL's programs are installed.
pub(super) fn available() -> bool {
    ["initdb", "postgres", "psql"].iter().all(|program| {
        let output = Command::new(program).arg("--version").output();
        output.is_ok_and(|output| output.status.success())
    })
}

/// Returns its JSON, or the reason why it failed.
pub(super) fn run(binary: &Path, effort: &str) -> Result<Value, String> {
    let unable = |err: std::io::Error| format!("{} could not be run: {err}", binary.display());
    let directory = tempfile::tempdir().map_err(unable)?;
    let file = directory.path().join("database.json");
    let status = Command::new(binary)
        .args([effort, "--json"])
        .arg(&file)
        // Discards its table: the results are in the table of the whole report.
        .stdout(Stdio::null())
        .status()
        .map_err(unable)?;
    let text = std::fs::read_to_string(file).ok().filter(|_| status.success());
    text.and_then(|text| serde_json::from_str(&text).ok())
        .ok_or_else(|| "the database benchmarks failed".to_owned())
}
