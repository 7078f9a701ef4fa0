//! The binary `database`, which has a process of its own: it starts a server, and its
//! runtimes and connections are nobody else's business.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// Whether PostgreSQL's programs are there.
pub(super) fn available() -> bool {
    ["initdb", "postgres", "psql"].iter().all(|program| {
        let output = Command::new(program).arg("--version").output();
        output.is_ok_and(|output| output.status.success())
    })
}

/// What it writes as JSON, or why it wrote nothing.
pub(super) fn run(binary: &Path, effort: &str) -> Result<Value, String> {
    let unable = |err: std::io::Error| format!("{} could not be run: {err}", binary.display());
    let directory = tempfile::tempdir().map_err(unable)?;
    let file = directory.path().join("database.json");
    let status = Command::new(binary)
        .args([effort, "--json"])
        .arg(&file)
        // Its table is part of the one that is made of everything.
        .stdout(Stdio::null())
        .status()
        .map_err(unable)?;
    let text = std::fs::read_to_string(file).ok().filter(|_| status.success());
    text.and_then(|text| serde_json::from_str(&text).ok())
        .ok_or_else(|| "nothing of the database: its benches failed".to_owned())
}
