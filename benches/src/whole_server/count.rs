//! Counts the instructions of a request with callgrind.

use std::io::{self, BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use super::client::{self, Protocol};
use crate::instructions::{Counted, Program, collected};

pub use crate::instructions::available;

/// Counted requests, over all connections.
const REQUESTS: u64 = 2_000;

/// Requests before the count, over all connections. They create the series, calibrate the clock and
/// grow the buffers.
const WARM_UP: u64 = 640;

/// Returns the user-space instructions of one request to the server `name` of `program`.
///
/// # Errors
///
/// Returns an error if Valgrind, the server or the client fails.
pub fn per_request(
    program: Program<'_>,
    name: &str,
    protocol: Protocol,
    connections: usize,
) -> Counted {
    let mut server = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--instr-atstart=no"])
        .arg(program.path)
        .args(program.arguments)
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
    let of = |all: u64| all / connections as u64;
    let process = server.id();
    let served = match line.trim().parse::<SocketAddr>() {
        Ok(address) => client::run(
            address,
            protocol,
            connections,
            [WARM_UP, REQUESTS].map(of),
            || instrument(process, "on"),
            || instrument(process, "off"),
        )
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
        .map(|count| count as f64 / (of(REQUESTS) * connections as u64) as f64)
        .ok_or_else(|| format!("callgrind counted nothing for {name}:\n{text}"))
}

/// Turns the counting of a process on or off.
fn instrument(process: u32, state: &str) -> io::Result<()> {
    let output = Command::new("callgrind_control")
        .args([format!("--instr={state}"), process.to_string()])
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()))
}
