//! Programs from outside Rust.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// Runs a program to its end, in a folder.
pub(crate) fn run(dir: &Path, program: &str, args: &[&str]) -> Output {
    Command::new(program)
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|err| panic!("{program} does not run: {err}"))
}

/// Runs a program that has to succeed.
pub(crate) fn succeed(dir: &Path, program: &str, args: &[&str]) -> String {
    let output = run(dir, program, args);
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{program} {}\n{text}", args.join(" "));
    text
}

/// Files of a folder whose name ends so, by name.
pub(crate) fn files(dir: &Path, end: &str) -> Vec<String> {
    let mut found: Vec<_> = std::fs::read_dir(dir)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a plain name"))
        .filter(|name| name.ends_with(end))
        .collect();
    found.sort_unstable();
    assert!(!found.is_empty(), "nothing in {} ends in {end}", dir.display());
    found
}

/// A server that ends with the test.
pub(crate) struct Server {
    child: Child,
    pub(crate) addr: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a server of the Prometheus family on a port that the kernel picks, and
/// reads the address from its log.
pub(crate) fn serve(program: &str, args: &[&str]) -> Server {
    let mut child = Command::new(program)
        .args(args)
        .arg("--web.listen-address=127.0.0.1:0")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|err| panic!("{program} does not start: {err}"));
    let log = BufReader::new(child.stderr.take().expect("piped"));
    let (tell, told) = mpsc::channel();
    // Reads on to the end: a full pipe would stop the server.
    std::thread::spawn(move || {
        for line in log.lines().map_while(Result::ok) {
            if line.contains("Listening on") {
                let addr = line.rsplit_once("address=").map(|(_, addr)| addr.to_owned());
                let _ = tell.send(addr);
            }
            if line.contains("level=error") || line.contains("level=ERROR") {
                println!("{line}");
            }
        }
    });
    let addr = told.recv_timeout(Duration::from_mins(1)).ok().flatten();
    let addr = addr.and_then(|addr| addr.parse().ok());
    let Some(addr) = addr else {
        let _ = child.kill();
        let _ = child.wait();
        panic!("{program} did not say where it listens");
    };
    Server { child, addr }
}
