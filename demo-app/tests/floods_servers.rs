//! Probes and scrapes while more clients than the process may have open files hold both listeners.
//!
//! A binary of its own, because tests beside it would take the time in which a probe is answered.

#[allow(clippy::disallowed_methods, reason = "a test may sleep between two looks at a process")]
#[path = "support/mod.rs"]
mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use support::{Demo, pause};

const IDLE: usize = 10_000;
const NOT_READING: usize = 600;

/// What tells a process of this test that it is a flood, and where to.
const FLOOD: &str = "FLOOD";

/// A process with the flood's connections. Dropping it closes them.
struct Flood {
    child: Child,
    /// Kept open, because the process may print to its end.
    _stdout: BufReader<ChildStdout>,
}

impl Flood {
    /// Opens the connections to `base`, of which some ask for `path` and read nothing.
    fn start(base: &str, path: &str) -> Self {
        let address = base.strip_prefix("http://").expect("a base");
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--ignored", "--exact", "--nocapture"])
            .arg("probes_are_answered_while_idle_and_unreading_clients_hold_both_listeners")
            .env(FLOOD, format!("{address} {path}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        while !line.ends_with("the flood is there\n") {
            line.clear();
            assert!(stdout.read_line(&mut line).expect("text") > 0, "it ended before");
        }
        Self { child, _stdout: stdout }
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[expect(clippy::print_stdout, reason = "the test reads it there")]
fn flood(target: &str) {
    let (address, path) = target.split_once(' ').expect("two words");
    // The kernel's queue of connections is full from time to time.
    let connect = || {
        let tries = std::iter::repeat_with(|| TcpStream::connect(address));
        tries.take(100).find_map(Result::ok).expect("the kernel takes it")
    };
    let small = b"GET /nothing HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n";
    let idle: Vec<_> = (0..IDLE)
        .map(|_| {
            let mut socket = connect();
            // Between two requests: a client that sends nothing at all is closed after ten seconds.
            let _ = socket.write(small);
            socket
        })
        .collect();
    let request = format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n").repeat(40);
    let silent: Vec<_> = (0..NOT_READING)
        .map(|_| {
            let mut socket = connect();
            socket.set_nonblocking(true).expect("a socket");
            // It may have been closed to make room.
            let _ = socket.write(request.as_bytes());
            socket
        })
        .collect();
    println!("the flood is there");
    // To the end of the test, which holds the other end.
    let _ = std::io::stdin().read(&mut [0]);
    drop((idle, silent));
}

/// Returns what curl, with a connection of its own, gets within a second.
fn asked(base: &str, path: &str) -> Result<String, String> {
    let out = Command::new("curl")
        .args(["--silent", "--show-error", "--fail", "--max-time", "1"])
        .arg(format!("{base}{path}"))
        .output()
        .expect("curl is in PATH");
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    if out.status.success() {
        Ok(String::from_utf8_lossy(&out.stdout).into_owned())
    } else {
        Err(said)
    }
}

#[test]
#[ignore = "needs curl; cargo xtask test --only servers"]
fn probes_are_answered_while_idle_and_unreading_clients_hold_both_listeners() {
    if let Ok(target) = std::env::var(FLOOD) {
        return flood(&target);
    }
    let demo = Demo::start_with_open_files(1_024);
    assert!(demo.metric("sre_kit_http_server_connections_limit", &["main"]) > 1_024.0, "raised");
    let main = Flood::start(&demo.app, "/stream?chunks=100000&ms=0");
    // The console's page is the largest that costs the server nothing to make.
    let admin = Flood::start(&demo.admin, "/");
    // The last of them may still be on their way from the kernel to the server.
    let accepted = |listener: &str| {
        let text = asked(&demo.admin, "/metrics").unwrap_or_default();
        let line =
            format!("sre_kit_http_server_connections_accepted_total{{listener=\"{listener}\"}} ");
        let count = text.lines().find_map(|found| found.strip_prefix(&line)?.parse::<usize>().ok());
        count.unwrap_or_default()
    };
    let began = Instant::now();
    for listener in ["main", "admin"] {
        while accepted(listener) < IDLE + NOT_READING {
            assert!(began.elapsed() < Duration::from_mins(2), "{listener}: {}", accepted(listener));
            pause();
        }
    }
    for path in ["/livez", "/metrics"] {
        let failed: Vec<_> =
            (0..100).filter_map(|at| asked(&demo.admin, path).err().map(|err| (at, err))).collect();
        assert!(failed.is_empty(), "{path}: {} of 100, {:?}", failed.len(), failed.first());
    }
    for listener in ["listener=\"main\"", "listener=\"admin\""] {
        let evicted = &[listener, "error_type=\"evicted\""];
        assert!(
            demo.metric("sre_kit_http_server_connection_errors_total", evicted) > 0.0,
            "{listener}"
        );
    }
    let errors = demo.metric("sre_kit_http_server_accept_errors_total", &[]);
    assert!(errors < 1.0, "no descriptor was missing: {errors}");

    // Without the floods everything is as before.
    drop((main, admin));
    let answered = (0..100).any(|_| {
        pause();
        asked(&demo.app, "/").is_ok()
    });
    assert!(answered, "the service answers again");
}
