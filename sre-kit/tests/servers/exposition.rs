//! What Prometheus itself makes of an exposition: its linter, its server, and the
//! reference parser of OpenMetrics.
//!
//! These need the Debian packages `prometheus` and `python3-prometheus-client`.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use prometheus_client::metrics::histogram::Histogram as ForeignHistogram;
use prometheus_client::metrics::info::Info;
use serde_json::Value;
use sre_kit::admin::{Admin, RunningAdmin};
use sre_kit::golden_signals::{GoldenSignals, Routes};
use sre_kit::metrics::{Buckets, BuildInfo, Exposition, Format, ProcessMetrics, Registry};
use tokio::net::TcpStream;
use tower::{Layer, ServiceExt, service_fn};

const ODD: &str = "a \"quoted\"\nback\\slash {}, le=\"1\"";

/// Everything that the kit reports, and a user's own metrics.
pub(crate) fn registry() -> Registry {
    let registry = Registry::new();
    let jobs = registry.counter_family("jobs_total", "Jobs \"done\",\nby \\kind.", &["kind"]);
    jobs.expect("valid").with(&[ODD]).add(2);
    let buckets = Buckets::seconds([0.005, 0.25, 1.0, 10.0]).expect("valid");
    let waits = registry.histogram_family("wait_seconds", "Waits.", &buckets, &["route"]);
    waits.expect("valid").with(&["/items/{id}"]).observe(0.3);
    ProcessMetrics::register(&registry).expect("free");
    let info = Info::new(vec![("color".to_owned(), "green".to_owned())]);
    registry.register("paint", "Paint.", info).expect("valid");
    let classic = ForeignHistogram::new([0.5, 1.0]);
    classic.observe(0.7);
    registry.register("classic_seconds", "Classic.", classic).expect("valid");
    let routes = Routes::new(["/items/{id}"]).expect("valid");
    let signals = GoldenSignals::builder().routes(routes).build(&registry).expect("valid");
    let service = signals.layer().layer(service_fn(async |_: Request<()>| {
        Ok::<_, std::convert::Infallible>(http::Response::new(Empty::<Bytes>::new()))
    }));
    let request = Request::get("/items/7").body(()).expect("valid");
    let answered = tokio_test::task::spawn(service.oneshot(request)).poll();
    assert!(answered.is_ready());
    registry
}

fn encode(registry: &Registry, format: Format) -> Vec<u8> {
    let mut out = Vec::new();
    registry.encode(format, &mut out);
    out
}

/// Runs a checker that reads from its standard input, and wants it to say nothing.
fn check(program: &str, arguments: &[&str], input: &[u8]) {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot run {program}: {error}"));
    child.stdin.take().expect("piped").write_all(input).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.trim().is_empty(), "{program} says: {said}");
}

#[test]
#[ignore = "needs promtool; cargo xtask test --only servers"]
fn promtool_finds_nothing_to_say() {
    let registry = registry();
    Exposition::new(&registry).expect("valid");
    BuildInfo::new("shop", "1.2.3").register(&registry).expect("valid");
    check("promtool", &["check", "metrics"], &encode(&registry, Format::Prometheus));
}

#[test]
#[ignore = "needs python3-prometheus-client; cargo xtask test --only servers"]
fn the_reference_parser_of_openmetrics_finds_nothing_to_say() {
    const SCRIPT: &str = "import sys\n\
        from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse\n\
        families = list(parse(sys.stdin.read()))\n\
        assert len(families) > 20, len(families)\n\
        jobs = [s for f in families for s in f.samples if s.name == 'jobs_total']\n\
        assert jobs[0].labels['kind'] == 'a \"quoted\"\\nback\\\\slash {}, le=\"1\"', jobs\n";
    let registry = registry();
    Exposition::new(&registry).expect("valid");
    // Debian's own, for which the package is; another may come first in the path.
    check("/usr/bin/python3", &["-c", SCRIPT], &encode(&registry, Format::OpenMetrics));
}

/// A Prometheus server that scrapes one target every second, until it is dropped.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    _directory: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    async fn start(target: &RunningAdmin, flags: &[&str]) -> Self {
        let target = target.local_addr().expect("TCP");
        let job = format!("{{job_name: kit, static_configs: [{{targets: ['{target}']}}]}}");
        Self::start_program("prometheus", &[job], flags).await
    }

    /// Starts a program that scrapes these jobs.
    pub(crate) async fn start_program(program: &str, jobs: &[String], flags: &[&str]) -> Self {
        // The server takes no port 0, so one that was free a moment ago must do; on
        // the day that somebody else is faster, another one will.
        for _ in 0..5 {
            let mut server = Self::spawn(program, jobs, flags);
            while matches!(server.child.try_wait(), Ok(None)) {
                if server.get("/-/ready").await.is_some() {
                    return server;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        panic!("{program} does not start")
    }

    fn spawn(program: &str, jobs: &[String], flags: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("prometheus.yml");
        let config = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\n\
             scrape_configs:\n- {}\n",
            jobs.join("\n- ")
        );
        std::fs::write(&file, config).expect("written");
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = free.local_addr().expect("bound");
        drop(free);
        let child = Command::new(program)
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", directory.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .args(flags)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {program}: {error}"));
        Self { child, address, _directory: directory }
    }

    /// Returns the address of its listener.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    async fn get(&self, target: &str) -> Option<Bytes> {
        let io = TokioIo::new(TcpStream::connect(self.address).await.ok()?);
        let (mut sender, conn) = hyper::client::conn::http1::handshake(io).await.ok()?;
        tokio::spawn(conn);
        let request = Request::get(target).header("host", "localhost").body(Empty::<Bytes>::new());
        let response = sender.send_request(request.ok()?).await.ok()?;
        Some(response.into_body().collect().await.ok()?.to_bytes())
    }

    /// The result of a query, once there is one.
    pub(crate) async fn query(&self, query: &str) -> Vec<Value> {
        let mut encoded = String::new();
        for byte in query.bytes() {
            let _ = write!(encoded, "%{byte:02X}");
        }
        let mut last = None;
        for _ in 0..150 {
            if let Some(body) = self.get(&format!("/api/v1/query?query={encoded}")).await {
                let answer: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
                match answer["data"]["result"].as_array() {
                    Some(result) if !result.is_empty() => return result.clone(),
                    _ => last = Some(answer),
                }
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!(
            "{query} has no result, last: {last:?}, targets: {:?}",
            self.get("/api/v1/targets").await
        )
    }

    pub(crate) async fn number(&self, query: &str) -> f64 {
        let result = self.query(query).await;
        assert_eq!(result.len(), 1, "{query}: {result:?}");
        result[0]["value"][1].as_str().and_then(|text| text.parse().ok()).expect("a number")
    }
}

pub(crate) async fn admin(registry: &Registry) -> RunningAdmin {
    let admin = Admin::builder().listen("127.0.0.1:0").build(registry).expect("valid");
    admin.start().await.expect("a port is free")
}

#[tokio::test]
#[ignore = "needs prometheus; cargo xtask test --only servers"]
async fn a_prometheus_server_scrapes_openmetrics_and_keeps_every_label() {
    let registry = registry();
    let admin = admin(&registry).await;
    let server = Server::start(&admin, &[]).await;
    let result = server.query("jobs_total").await;
    assert_eq!(result[0]["metric"]["kind"], ODD);
    assert_eq!(result[0]["value"][1], "2");
    assert!((server.number("wait_seconds_sum").await - 0.3).abs() < 1e-9);
    assert!((server.number("paint_info{color=\"green\"}").await - 1.0).abs() < f64::EPSILON);
    // It asked for what it likes best, and got it.
    server.number("sre_kit_scrapes_total{format=\"openmetrics\",outcome=\"ok\"} > 0").await;
    assert!(server.number("max(sre_kit_scrapes_total{format!=\"openmetrics\"})").await < 1.0);
    server.number("up == 1").await;
}

#[cfg(feature = "protobuf")]
#[tokio::test]
#[ignore = "needs prometheus; cargo xtask test --only servers"]
async fn a_prometheus_server_scrapes_protobuf_and_reads_native_histograms() {
    use prometheus_client::metrics::histogram::NativeHistogramConfig;

    let registry = registry();
    let buckets = Buckets::seconds([0.1, 10.0]).and_then(|b| b.with_native(1.1)).expect("valid");
    let ours = registry.histogram("ours_seconds", "Ours.", &buckets).expect("valid");
    let theirs = ForeignHistogram::new_native(NativeHistogramConfig::new(1.1));
    registry.register("theirs_seconds", "Theirs.", theirs.clone()).expect("valid");
    for i in 1..=1_000 {
        let value = f64::from(i) / 1_000.0;
        ours.observe(value);
        theirs.observe(value);
    }
    let admin = admin(&registry).await;
    let server = Server::start(&admin, &["--enable-feature=native-histograms"]).await;
    assert_eq!(server.query("jobs_total").await[0]["metric"]["kind"], ODD);
    for name in ["ours_seconds", "theirs_seconds"] {
        assert!((server.number(&format!("histogram_count({name})")).await - 1_000.0).abs() < 0.5);
        let sum = server.number(&format!("histogram_sum({name})")).await;
        assert!((sum - 500.5).abs() < 1e-6, "{sum}");
        for quantile in [0.1, 0.5, 0.9, 0.99] {
            let query = format!("histogram_quantile({quantile}, {name})");
            let found = server.number(&query).await;
            // A bucket is at most a tenth wider than the one before it.
            assert!((found / quantile - 1.0).abs() < 0.1, "{query} is {found}");
        }
    }
    server.number("sre_kit_scrapes_total{format=\"protobuf\",outcome=\"ok\"} > 0").await;
    server.number("up == 1").await;
}
