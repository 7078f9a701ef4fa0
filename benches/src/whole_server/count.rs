//! Counts the instructions of a request with callgrind.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use super::client::{self, Protocol};
use crate::instructions::{Counted, collected};

pub use crate::instructions::available;

/// Requests in the shorter run, over all connections.
const REQUESTS: u64 = 2_000;

/// Returns the user-space instructions of one request to the server `name` of `binary`.
///
/// # Errors
///
/// Returns an error if Valgrind, the server or the client fails.
pub fn per_request(binary: &Path, name: &str, protocol: Protocol, connections: usize) -> Counted {
    let each = REQUESTS / connections as u64;
    let once = run(binary, name, protocol, connections, each)?;
    let twice = run(binary, name, protocol, connections, 2 * each)?;
    Ok((twice as f64 - once as f64) / (each * connections as u64) as f64)
}

fn run(
    binary: &Path,
    name: &str,
    protocol: Protocol,
    connections: usize,
    requests: u64,
) -> Result<u64, String> {
    let mut server = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(binary)
        .arg(name)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|err| format!("valgrind did not start: {err}"))?;
    let mut line = String::new();
    if let Some(stdout) = server.stdout.take() {
        BufReader::new(stdout).read_line(&mut line).map_err(|err| err.to_string())?;
    }
    let served = match line.trim().parse::<SocketAddr>() {
        Ok(address) => client::run(address, protocol, connections, requests)
            .map_err(|err| format!("{name} did not answer as expected: {err}")),
        Err(err) => Err(format!("{name} printed {line:?} and no address: {err}")),
    };
    // The server ends at the end of its input.
    drop(server.stdin.take());
    let mut text = String::new();
    if let Some(mut stderr) = server.stderr.take() {
        stderr.read_to_string(&mut text).map_err(|err| err.to_string())?;
    }
    let status = server.wait().map_err(|err| err.to_string())?;
    served?;
    collected(&text)
        .filter(|&count| status.success() && count > 0)
        .ok_or_else(|| format!("callgrind counted nothing for {name}:\n{text}"))
}
