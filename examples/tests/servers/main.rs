//! Rollouts under load, behind a load balancer without retries, lose no request and no span.
//!
//! Two processes of the `rollout` example run behind HAProxy. It checks their readiness ten times
//! a second, removes a server after two failures, never retries, and shares its connections among
//! clients. Requests arrive at a fixed rate, independent of the responses: half on new
//! connections, half on kept ones. Each server in turn gets SIGTERM and is replaced by a new
//! process. An OpenTelemetry Collector counts the spans: a served request without a span is also
//! a loss.

#[path = "../../../demo-app/tests/support/collector.rs"]
mod collector;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use collector::{Collector, Ports};
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// The timeout of every step, longer than any takes on a busy machine.
const STEP_TIMEOUT: Duration = Duration::from_mins(1);

/// One process of the example.
struct Server {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    port: u16,
    probes: u16,
}

impl Server {
    async fn start(binary: &Path, env: &[(&str, String)]) -> Self {
        let mut child = Command::new(binary)
            .envs(env.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the example was built");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let probes = port_after(&mut lines, "probes on").await;
        let port = port_after(&mut lines, "listening on").await;
        Self { child, lines, port, probes }
    }

    fn terminate(&self) {
        let id = self.child.id().expect("running").to_string();
        let status = std::process::Command::new("kill").args(["-TERM", &id]).status();
        assert!(status.expect("kill").success());
    }

    /// Waits for the exit. Returns the exit code and the duration of each phase in seconds.
    async fn ended(mut self) -> (Option<i32>, BTreeMap<String, f64>) {
        let mut phases = BTreeMap::new();
        while let Some(line) = soon(self.lines.next_line()).await.expect("text") {
            let words: Vec<_> = line.split(' ').collect();
            if let ["phase", phase, "took", seconds] = words[..] {
                phases.insert(phase.to_owned(), seconds.parse().expect("seconds"));
            } else if line.starts_with("requests started") {
                assert!(line.ends_with("in flight 0"), "{line}");
            }
        }
        (soon(self.child.wait()).await.expect("ended").code(), phases)
    }
}

async fn port_after(lines: &mut Lines<BufReader<ChildStdout>>, what: &str) -> u16 {
    let line = soon(lines.next_line()).await.expect("text").expect("a line");
    assert!(line.starts_with(what), "{line}");
    line.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
}

async fn soon<F: Future>(future: F) -> F::Output {
    timeout(STEP_TIMEOUT, future).await.expect("no hang")
}

/// HAProxy in front of two servers, with its sockets in a temporary directory.
struct Balancer {
    directory: tempfile::TempDir,
    _process: Child,
}

impl Balancer {
    async fn start(a: &Server, b: &Server, protocol: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().display();
        let config = format!(
            "global
    stats socket {path}/admin.sock level admin
defaults
    mode http
    retries 0
    http-reuse always
    timeout connect 2s
    timeout client 30s
    timeout server 30s
frontend front
    bind unix@{path}/front.sock
    default_backend servers
backend servers
    balance roundrobin
    option httpchk GET /readyz
    default-server {protocol} check inter 100ms fall 2 rise 1
    server a 127.0.0.1:{} port {}
    server b 127.0.0.1:{} port {}
",
            a.port, a.probes, b.port, b.probes
        );
        let file = directory.path().join("haproxy.cfg");
        std::fs::write(&file, config).expect("written");
        let process = Command::new("haproxy")
            .args(["-q", "-db", "-f"])
            .arg(&file)
            .kill_on_drop(true)
            .spawn()
            .expect("haproxy is installed");
        let balancer = Self { directory, _process: process };
        for name in ["a", "b"] {
            balancer.until_status(name, "UP").await;
        }
        balancer
    }

    fn front(&self) -> PathBuf {
        self.directory.path().join("front.sock")
    }

    /// Sends one command to the admin socket.
    async fn command(&self, command: &str) -> String {
        let mut answer = String::new();
        soon(async {
            let path = self.directory.path().join("admin.sock");
            let mut socket = loop {
                match UnixStream::connect(&path).await {
                    Ok(socket) => break socket,
                    Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                }
            };
            socket.write_all(format!("{command}\n").as_bytes()).await.expect("open");
            socket.read_to_string(&mut answer).await.expect("text");
        })
        .await;
        answer
    }

    async fn until_status(&self, server: &str, status: &str) {
        let row = format!("servers,{server},");
        soon(async {
            loop {
                let stats = self.command("show stat").await;
                let found = stats.lines().find(|line| line.starts_with(&row));
                if found.and_then(|line| line.split(',').nth(17)) == Some(status) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }

    /// Replaces the address of a server that has ended by that of a new process.
    async fn replace(&self, name: &str, server: &Server) {
        let (port, probes) = (server.port, server.probes);
        for command in [
            format!("set server servers/{name} addr 127.0.0.1 port {port}"),
            format!("set server servers/{name} check-port {probes}"),
        ] {
            let answer = self.command(&command).await;
            assert!(!answer.contains("require"), "{command}: {answer}");
        }
        self.until_status(name, "UP").await;
    }
}

/// A load of requests at a fixed rate.
struct Load {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    failures: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Load {
    /// Sends three requests every 10 ms. A request above the limit of concurrent ones, which only
    /// requests that hang can exhaust, is a failure too.
    const TICK: Duration = Duration::from_millis(10);
    const PER_TICK: usize = 3;
    const MOST: usize = 1_000;

    fn start(front: PathBuf) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let sent = Arc::new(AtomicU64::new(0));
        let failures = Arc::new(Mutex::new(Vec::new()));
        let task = tokio::spawn({
            let (stop, sent, failures) = (stop.clone(), sent.clone(), failures.clone());
            async move {
                let permits = Arc::new(Semaphore::new(Self::MOST));
                let kept: Kept = Arc::default();
                let mut requests = JoinSet::new();
                let mut tick = tokio::time::interval(Self::TICK);
                while !stop.load(Ordering::Relaxed) {
                    tick.tick().await;
                    while requests.try_join_next().is_some() {}
                    for _ in 0..Self::PER_TICK {
                        let number = sent.fetch_add(1, Ordering::Relaxed);
                        let Ok(permit) = permits.clone().try_acquire_owned() else {
                            failures.lock().expect("no panic").push("too many under way".into());
                            continue;
                        };
                        let keep = (number % 2 == 0).then(|| kept.clone());
                        let (front, failures) = (front.clone(), failures.clone());
                        requests.spawn(async move {
                            let asked = timeout(Duration::from_secs(20), ask(&front, keep));
                            let result = asked.await.unwrap_or_else(|_| Err("no answer".into()));
                            if let Err(failure) = result {
                                failures.lock().expect("no panic").push(failure);
                            }
                            drop(permit);
                        });
                    }
                }
                while requests.join_next().await.is_some() {}
            }
        });
        Self { stop, sent, failures, task }
    }

    async fn stop(self) -> (u64, Vec<String>) {
        self.stop.store(true, Ordering::Relaxed);
        soon(self.task).await.expect("no panic");
        let failures = std::mem::take(&mut *self.failures.lock().expect("no panic"));
        (self.sent.load(Ordering::Relaxed), failures)
    }
}

type Sender = SendRequest<Empty<Bytes>>;
type Kept = Arc<Mutex<Vec<Sender>>>;

async fn ask(front: &Path, kept: Option<Kept>) -> Result<(), String> {
    let pooled = kept.as_ref().and_then(|kept| kept.lock().expect("no panic").pop());
    let mut sender = if let Some(sender) = pooled {
        sender
    } else {
        let socket = UnixStream::connect(front).await.map_err(|e| format!("connect: {e}"))?;
        let (sender, connection) =
            handshake(TokioIo::new(socket)).await.map_err(|e| e.to_string())?;
        tokio::spawn(connection);
        sender
    };
    let request = Request::get("/").header("host", "test").body(Empty::new()).expect("valid");
    let response = sender.send_request(request).await.map_err(|e| format!("request: {e}"))?;
    let status = response.status();
    let body = response.into_body().collect().await.map_err(|e| format!("body: {e}"))?;
    if status != 200 || body.to_bytes() != "done" {
        return Err(format!("status {status}"));
    }
    if let Some(kept) = kept
        && sender.ready().await.is_ok()
    {
        kept.lock().expect("no panic").push(sender);
    }
    Ok(())
}

/// The results of a load.
struct Observed {
    sent: u64,
    failures: Vec<String>,
    spans: usize,
}

/// Replaces one server after the other and returns what clients and collector observed.
async fn roll(protocol: &str, rounds: usize, delay: &str, bounds: &[(&str, f64)]) -> Observed {
    let binary = support::example("rollout");
    let ports = Ports::free();
    let collector = Collector::start(ports);
    let mut env = ports.traces();
    env.extend(
        [
            ("SRE_KIT_DRAIN_DELAY", delay),
            ("SRE_KIT_DRAIN_TIMEOUT", "10"),
            ("SRE_KIT_FLUSH_TIMEOUT", "5"),
            ("SRE_KIT_GRACE_PERIOD", "30"),
        ]
        .map(|(name, value)| (name, value.to_owned())),
    );
    let mut servers = vec![Server::start(&binary, &env).await, Server::start(&binary, &env).await];
    let balancer = Balancer::start(&servers[0], &servers[1], protocol).await;
    let load = Load::start(balancer.front());
    for round in 0..rounds {
        let (index, name) = [(0, "a"), (1, "b")][round % 2];
        let old = servers.remove(index);
        old.terminate();
        let (code, phases) = old.ended().await;
        assert_eq!(code, Some(0), "round {round}");
        for (phase, bound) in bounds {
            let took = phases[*phase];
            assert!(took <= *bound, "round {round}: {phase} took {took} of {bound}");
        }
        // In a real rollout, a new process needs time to start.
        tokio::time::sleep(Duration::from_millis(300)).await;
        servers.insert(index, Server::start(&binary, &env).await);
        balancer.replace(name, &servers[index]).await;
    }
    let (sent, failures) = load.stop().await;
    // The last two servers export their spans when they end.
    for server in servers {
        server.terminate();
        assert_eq!(server.ended().await.0, Some(0));
    }
    Observed { sent, failures, spans: collector.spans("GET /") }
}

async fn lose_nothing(protocol: &str) {
    // The margin of `delay` is for a late timer; the others are the bounds of the phases.
    let bounds = [
        ("delay", 1.5 + 1.0),
        ("drain", 10.0),
        ("tasks", 10.0),
        ("pools", 10.0),
        ("telemetry", 5.0),
        ("admin", 0.5),
    ];
    let Observed { sent, failures, spans } = roll(protocol, 10, "1.5", &bounds).await;
    let some = &failures[..failures.len().min(5)];
    assert!(failures.is_empty(), "{} of {sent}: {some:?}", failures.len());
    assert_eq!(u64::try_from(spans), Ok(sent), "a span for each request");
    #[expect(clippy::print_stdout, reason = "the counts belong to the result of the test")]
    {
        println!("{protocol}: {sent} requests, none failed, and {spans} spans");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs haproxy and otelcol; cargo xtask test --only servers"]
async fn a_rollout_of_ten_rounds_loses_no_request_on_http1() {
    lose_nothing("proto h1").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs haproxy and otelcol; cargo xtask test --only servers"]
async fn a_rollout_of_ten_rounds_loses_no_request_on_http2() {
    lose_nothing("proto h2").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs haproxy and otelcol; cargo xtask test --only servers"]
async fn without_the_delay_the_same_rollout_loses_requests() {
    let Observed { sent, failures, .. } = roll("proto h1", 4, "0", &[("delay", 1.0)]).await;
    assert!(!failures.is_empty(), "all {sent} requests survived a rollout without a drain delay");
    println!("{} of {sent} requests failed, such as: {}", failures.len(), failures[0]);
}
