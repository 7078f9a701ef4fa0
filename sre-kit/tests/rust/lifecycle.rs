//! A whole process: what clients, probes and the exit code see of its end.
//!
//! Where the end of a process matters, this binary starts itself again with
//! `ROLE` set, and is the server.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use sre_kit::health::Health;
use sre_kit::lifecycle::{
    Lifecycle, LifecycleBuilder, ShutdownHandle, ShutdownPhase, ShutdownReport, State,
};
use sre_kit::metrics::{Registry, TextFormat};
use sre_kit::server::RequestBody;
use sre_kit::server::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Long enough for anything that happens at all, on a busy machine too.
const EVER: Duration = Duration::from_secs(20);
/// For what a test waits out, with things to be done meanwhile.
const WHILE: Duration = Duration::from_secs(3);

/// The handle of a server that is a process of its own.
static HANDLE: OnceLock<ShutdownHandle> = OnceLock::new();

async fn answer(request: Request<RequestBody>) -> Result<Response<Full<Bytes>>, Infallible> {
    match request.uri().path() {
        "/stuck" => pending().await,
        // Wakes no timer and takes no signal: the thread is gone.
        "/wedged" => loop {
            std::thread::park();
        },
        "/trigger" => {
            HANDLE.get().expect("set before serving").trigger("asked by a request");
            Ok(Response::new(Full::from("triggered")))
        }
        _ => Ok(Response::new(Full::from("hello"))),
    }
}

struct Process {
    addr: SocketAddr,
    probes: SocketAddr,
    registry: Registry,
    handle: ShutdownHandle,
    states: watch::Receiver<State>,
    running: JoinHandle<ShutdownReport>,
}

async fn start(settings: impl FnOnce(LifecycleBuilder) -> LifecycleBuilder) -> Process {
    let registry = Registry::new();
    let health = Health::builder().build(&registry).expect("valid");
    let builder = Lifecycle::builder().without_signals().health(&health);
    let lifecycle = settings(builder).build(&registry).expect("valid");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let addr = listener.local_addr().expect("bound");
    let probe_listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let probes = probe_listener.local_addr().expect("bound");
    let admin = Server::builder().name("admin").build().expect("valid");
    lifecycle.add_admin_server(admin.start(probe_listener, health.service()));
    health.spawn();
    let (handle, mut states) = (lifecycle.shutdown_handle(), lifecycle.states());
    let running = tokio::spawn(lifecycle.serve(listener, tower::service_fn(answer)));
    soon(states.wait_for(|state| *state == State::Running)).await.expect("alive");
    Process { addr, probes, registry, handle, states, running }
}

impl Process {
    async fn until(&mut self, state: State) {
        soon(self.states.wait_for(|current| *current == state)).await.expect("alive");
    }

    async fn ended(self) -> ShutdownReport {
        soon(self.running).await.expect("no panic")
    }
}

async fn soon<F: Future>(future: F) -> F::Output {
    timeout(EVER, future).await.expect("no hang")
}

async fn get(addr: SocketAddr, path: &str) -> Response<Bytes> {
    let io = TokioIo::new(TcpStream::connect(addr).await.expect("accepting"));
    let (mut sender, connection) = http1::handshake(io).await.expect("connected");
    tokio::spawn(connection);
    let request = Request::get(path).header("host", "test").body(Empty::<Bytes>::new());
    let response = soon(sender.send_request(request.expect("valid"))).await.expect("answered");
    let (head, body) = response.into_parts();
    Response::from_parts(head, body.collect().await.expect("whole").to_bytes())
}

#[tokio::test]
async fn during_the_delay_everything_is_served_and_readiness_is_off() {
    let mut process = start(|builder| builder.drain_delay(WHILE)).await;
    assert_eq!(get(process.probes, "/readyz").await.status(), StatusCode::OK);
    process.handle.trigger("test");
    process.until(State::Draining).await;
    let response = get(process.addr, "/").await;
    assert_eq!(
        (response.body().as_ref(), &response.headers()["connection"]),
        (&b"hello"[..], &"close".parse().expect("valid"))
    );
    assert_eq!(get(process.probes, "/readyz").await.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(get(process.probes, "/livez").await.status(), StatusCode::OK);
    let (addr, probes) = (process.addr, process.probes);
    assert!(process.ended().await.is_clean());
    assert!(TcpStream::connect(addr).await.is_err());
    assert!(TcpStream::connect(probes).await.is_err());
}

#[tokio::test]
async fn probes_are_answered_while_what_is_stuck_is_waited_for() {
    let mut process =
        start(|builder| builder.drain_delay(Duration::ZERO).drain_timeout(WHILE)).await;
    let mut stuck = TcpStream::connect(process.addr).await.expect("accepting");
    stuck.write_all(b"GET /stuck HTTP/1.1\r\nhost: test\r\n\r\n").await.expect("open");
    let mut half = TcpStream::connect(process.addr).await.expect("accepting");
    half.write_all(b"GET / HTTP/1.1\r\nhos").await.expect("open");
    let active = "sre_kit_http_server_open_connections{listener=\"main\",http_connection_state=\"active\"} 1";
    let idle =
        "sre_kit_http_server_open_connections{listener=\"main\",http_connection_state=\"idle\"} 1";
    soon(async {
        loop {
            let text = text(&process.registry);
            if text.contains(active) && text.contains(idle) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    process.handle.trigger("test");
    process.until(State::Draining).await;
    // The main listener is closed, the drain goes on, and the probes answer.
    soon(async { while TcpStream::connect(process.addr).await.is_ok() {} }).await;
    assert_eq!(get(process.probes, "/livez").await.status(), StatusCode::OK);
    let registry = process.registry.clone();
    let report = process.ended().await;
    let unfinished = report.unfinished();
    assert_eq!((unfinished.connections, unfinished.requests, unfinished.upgraded), (1, 1, 0));
    assert_eq!(report.code(), 80);
    let text = text(&registry);
    for line in [
        "lifecycle_cut_off_total{kind=\"connections\"} 1\n",
        "lifecycle_cut_off_total{kind=\"requests\"} 1\n",
        "lifecycle_cut_off_total{kind=\"upgraded\"} 0\n",
        "sre_kit_http_server_connection_errors_total{listener=\"main\",error_type=\"cut_off\"} 2\n",
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
    assert_eq!(soon(stuck.read_to_end(&mut Vec::new())).await.unwrap_or(0), 0);
}

fn text(registry: &Registry) -> String {
    let mut text = String::new();
    registry.encode_text(&mut text, TextFormat::Prometheus);
    text
}

#[tokio::test]
async fn a_process_without_a_server_has_the_same_end() {
    let lifecycle = Lifecycle::builder()
        .without_signals()
        .drain_delay(Duration::ZERO)
        .build(&Registry::new())
        .expect("valid");
    let handle = lifecycle.shutdown_handle();
    let early = handle.clone();
    let waiting = tokio::spawn(async move { early.triggered().await });
    handle.trigger("no more work");
    let report = soon(lifecycle.run()).await;
    assert!(report.is_clean());
    assert_eq!(report.phases().last().map(|(phase, _)| *phase), Some(ShutdownPhase::Admin));
    assert_eq!(report.reason().to_string(), "no more work");
    soon(waiting).await.expect("no panic");
}

// --- what follows runs in processes of their own ---

/// The server of the tests below. As a test of its own it does nothing.
#[test]
fn child() {
    let Ok(role) = std::env::var("ROLE") else { return };
    if role == "blocking" {
        let mut code = 1;
        sre_kit::lifecycle::run_main(async {
            tokio::task::spawn_blocking(|| {
                loop {
                    std::thread::park();
                }
            });
            code = serve().await;
        })
        .expect("a runtime");
        #[expect(clippy::disallowed_methods, reason = "the exit code of this process is the test")]
        std::process::exit(code.into());
    }
    if role == "tokio main" {
        let code = tokio_main();
        #[expect(clippy::disallowed_methods, reason = "the exit code of this process is the test")]
        std::process::exit(code.into());
    }
    let runtime = match role.as_str() {
        "one thread" => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    }
    .enable_all()
    .build()
    .expect("a runtime");
    let code = runtime.block_on(serve());
    #[expect(clippy::disallowed_methods, reason = "the exit code of this process is the test")]
    std::process::exit(code.into());
}

/// What `#[tokio::main]` makes of `main`: it waits for the blocking call before it returns.
#[tokio::main]
async fn tokio_main() -> u8 {
    tokio::task::spawn_blocking(|| {
        loop {
            std::thread::park();
        }
    });
    serve().await
}

#[expect(clippy::print_stdout, reason = "the test reads it there")]
async fn serve() -> u8 {
    let lifecycle =
        Lifecycle::builder().with_env().expect("valid").build(&Registry::new()).expect("valid");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    println!("\nport {}", listener.local_addr().expect("bound").port());
    HANDLE.set(lifecycle.shutdown_handle()).expect("set once");
    let mut states = lifecycle.states();
    tokio::spawn(async move {
        while states.changed().await.is_ok() {
            println!("\nstate {}", *states.borrow_and_update());
        }
    });
    let code = lifecycle.serve(listener, tower::service_fn(answer)).await.code();
    println!("\nreport {code}");
    code
}

struct Spawned {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Spawned {
    fn new(role: &str, delay: &str, drain: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("known"))
            .args(["--exact", "lifecycle::child", "--nocapture"])
            .env("ROLE", role)
            .env("SRE_KIT_DRAIN_DELAY", delay)
            .env("SRE_KIT_DRAIN_TIMEOUT", drain)
            .env("SRE_KIT_FLUSH_TIMEOUT", "0.5")
            .stdout(Stdio::piped())
            .spawn()
            .expect("started");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        Self { child, lines }
    }

    fn until(&mut self, start: &str) -> String {
        for line in self.lines.by_ref() {
            if let Some(rest) = line.expect("text").strip_prefix(start) {
                return rest.to_owned();
            }
        }
        panic!("it ended before it said {start:?}");
    }

    fn ready(&mut self) -> SocketAddr {
        let port: u16 = self.until("port ").parse().expect("a port");
        self.until("state running");
        ([127, 0, 0, 1], port).into()
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args([name, &id]).status();
        assert!(status.expect("kill").success());
    }

    fn code(self) -> Option<i32> {
        self.code_while(|_| {})
    }

    /// The exit code after `signal` was sent until there was one.
    fn code_at_the_latest(self, signal: &str) -> Option<i32> {
        self.code_while(|server| server.signal(signal))
    }

    fn code_while(mut self, again: impl Fn(&Self)) -> Option<i32> {
        let began = std::time::Instant::now();
        while began.elapsed() < EVER {
            if let Some(status) = self.child.try_wait().expect("known") {
                return status.code();
            }
            again(&self);
            std::thread::park_timeout(Duration::from_millis(5));
        }
        panic!("it did not end");
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ask(addr: SocketAddr, path: &str) -> std::net::TcpStream {
    use std::io::Write;
    let mut socket = std::net::TcpStream::connect(addr).expect("accepting");
    write!(socket, "GET {path} HTTP/1.1\r\nhost: test\r\n\r\n").expect("open");
    socket
}

#[cfg(unix)]
#[test]
fn either_signal_begins_a_drain_that_ends_with_code_0() {
    for (signal, flavor) in [("-TERM", "threads"), ("-INT", "one thread")] {
        let mut server = Spawned::new(flavor, "5", "10");
        let addr = server.ready();
        server.signal(signal);
        server.until("state draining");
        let mut answer = String::new();
        ask(addr, "/").read_to_string(&mut answer).expect("text");
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("connection: close"));
        assert_eq!(server.code(), Some(0), "{signal}");
    }
}

#[cfg(unix)]
#[test]
fn a_drain_that_is_cut_short_ends_with_code_80() {
    let mut server = Spawned::new("threads", "0.2", "0.3");
    let _stuck = ask(server.ready(), "/stuck");
    server.signal("-TERM");
    assert_eq!(server.code(), Some(80));
}

#[cfg(unix)]
#[test]
fn a_second_signal_ends_the_process_at_once_with_code_81() {
    for second in ["-TERM", "-INT"] {
        let mut server = Spawned::new("threads", "600", "600");
        server.ready();
        server.signal("-TERM");
        server.until("state draining");
        server.signal(second);
        assert_eq!(server.code(), Some(81), "{second}");
    }
}

#[cfg(unix)]
#[test]
fn a_second_signal_works_when_the_runtime_is_stuck() {
    let mut server = Spawned::new("one thread", "600", "600");
    let addr = server.ready();
    let _wedged = ask(addr, "/wedged");
    // Whether its only thread is stuck already cannot be seen from here; if it
    // is not, the first signal begins a drain, which is as endless. Two signals
    // that wait to be taken are one to the kernel, so they are sent like the
    // presses of somebody impatient.
    assert_eq!(server.code_at_the_latest("-TERM"), Some(81));
}

#[cfg(unix)]
#[test]
fn blocking_work_that_hangs_does_not_keep_the_process() {
    let mut server = Spawned::new("blocking", "0", "10");
    server.ready();
    server.signal("-TERM");
    assert_eq!(server.code(), Some(0));
}

#[cfg(unix)]
#[test]
fn a_process_whose_workers_are_all_blocked_ends_by_itself_with_code_80() {
    let mut server = Spawned::new("one thread", "0.2", "0.3");
    let addr = server.ready();
    let _wedged = ask(addr, "/wedged");
    until_silent(addr);
    server.signal("-TERM");
    assert_eq!(server.code(), Some(80));
}

#[cfg(unix)]
#[test]
fn tokio_main_with_a_blocking_call_that_hangs_ends_by_itself_with_code_80() {
    for begins in ["signal", "trigger"] {
        let mut server = Spawned::new("tokio main", "0.2", "0.3");
        let addr = server.ready();
        if begins == "signal" {
            server.signal("-TERM");
        } else {
            let mut answer = String::new();
            ask(addr, "/trigger").read_to_string(&mut answer).expect("text");
            assert!(answer.ends_with("triggered"), "{answer}");
        }
        // The shutdown itself is clean: it is the runtime that waits after it.
        assert_eq!(server.until("report "), "0");
        assert_eq!(server.code(), Some(80), "{begins}");
    }
}

/// Returns when the server at `addr` has stopped answering.
fn until_silent(addr: SocketAddr) {
    for _ in 0..100 {
        let mut socket = ask(addr, "/");
        socket.set_read_timeout(Some(Duration::from_millis(500))).expect("a socket");
        if socket.read(&mut [0]).is_err() {
            return;
        }
    }
    panic!("its only thread is not blocked");
}
