//! Tests of `demo-app gate` with a real Prometheus that scrapes two instances.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::support::{self, Demo, run};
use serde_json::Value;
use tempfile::TempDir;

/// A Prometheus that scrapes two instances every second. Dropping it ends it.
struct Prometheus {
    child: Child,
    url: String,
    _directory: TempDir,
}

impl Prometheus {
    fn start(canary: &Demo, fleet: &Demo) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let target = |demo: &Demo, pod: &str| {
            let address = demo.admin.trim_start_matches("http://");
            format!("      - targets: ['{address}']\n        labels: {{pod: '{pod}'}}\n")
        };
        let config = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\nscrape_configs:\n  \
             - job_name: demo\n    static_configs:\n{}{}",
            target(canary, "demo-app-new-a"),
            target(fleet, "demo-app-old-b"),
        );
        let file = directory.path().join("prometheus.yml");
        fs::write(&file, config).expect("written");
        let mut child = Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", directory.path().join("data").display()))
            .arg("--web.listen-address=127.0.0.1:0")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("prometheus starts");
        let log = BufReader::new(child.stderr.take().expect("piped"));
        let (tell, told) = mpsc::channel();
        // Reads on to the end: a full pipe would stop the server.
        thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                if let Some((_, address)) =
                    line.contains("Listening on").then(|| line.rsplit_once("address=")).flatten()
                {
                    let _ = tell.send(format!("http://{address}"));
                }
            }
        });
        let url = told.recv_timeout(Duration::from_mins(1));
        let mut started = Self { child, url: String::new(), _directory: directory };
        started.url = url.expect("prometheus says where it listens");
        started
    }

    /// Waits until the query returns at least this value.
    fn wait_for(&self, query: &str, least: f64) {
        let encoded: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
        let url = format!("{}/api/v1/query?query={encoded}", self.url);
        for _ in 0..480 {
            let answer = ureq::get(&url).call().ok();
            let text = answer.and_then(|mut answer| answer.body_mut().read_to_string().ok());
            let json: Value = serde_json::from_str(&text.unwrap_or_default()).unwrap_or_default();
            let found = json["data"]["result"][0]["value"][1].as_str().and_then(|n| n.parse().ok());
            if found.is_some_and(|found: f64| found >= least) {
                return;
            }
            support::pause();
        }
        panic!("never: {query} >= {least}");
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn gate(prometheus: &Prometheus, more: &[&str]) -> (Option<i32>, String) {
    let matchers = ["--canary", "pod=~\"demo-app-new-.+\""];
    let start = ["gate", "--prometheus", &prometheus.url, "--for", "1", "--every", "1"];
    // A tiny significance, so that a slow machine never makes one of the instances look worse.
    let sure = ["--significance", "0.000001"];
    run(&[&start[..], &matchers, &sure, more].concat())
}

#[test]
#[ignore = "needs prometheus; cargo xtask test --only servers"]
fn a_real_prometheus_tells_a_good_canary_from_a_bad_one() {
    let (canary, fleet) = (Demo::start(&[]), Demo::start(&[]));
    let prometheus = Prometheus::start(&canary, &fleet);
    // Prometheus must scrape the counters at zero first, otherwise it sees no increase.
    prometheus.wait_for("count(slo_events_total{slo=\"availability\",outcome=\"good\"})", 2.0);
    let beside = ["--fleet", "pod=~\"demo-app-.+\",pod!~\"demo-app-new-.+\""];
    let (code, said) = gate(&prometheus, &beside);
    assert_eq!(code, Some(6), "nobody has called it: {said}");

    for _ in 0..600 {
        assert_eq!(canary.get("/").0, 200);
        assert_eq!(fleet.get("/").0, 200);
    }
    prometheus.wait_for("min(sum by (pod) (slo_events_total{slo=\"availability\"}))", 600.0);
    let (code, said) = gate(&prometheus, &beside);
    assert_eq!(code, Some(0), "{said}");

    for _ in 0..60 {
        assert_eq!(canary.get("/error?status=503").0, 503);
    }
    let failed = "sum(slo_events_total{slo=\"availability\",outcome=\"bad\"})";
    prometheus.wait_for(failed, 60.0);
    assert_eq!(gate(&prometheus, &beside).0, Some(5));
    assert_eq!(gate(&prometheus, &[]).0, Some(5), "by the objective alone");

    let (code, said) = gate(&prometheus, &["--fleet", "pod=~"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("--fleet"), "{said}");
}
