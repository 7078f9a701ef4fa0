//! Prometheus, Alertmanager and the webhook at their end, on loopback.
//!
//! The demo's tests use this file as well.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use serde_json::Value;

use super::http::{answer, encode, get, send};
use super::tools::{Server, serve};

/// How long anything may take before the test gives up.
const PATIENCE: Duration = Duration::from_mins(4);

/// Notifications, as they came in.
#[derive(Clone, Default)]
pub(crate) struct Inbox(Arc<Mutex<Vec<(String, Value)>>>);

impl Inbox {
    pub(crate) async fn open() -> (Self, SocketAddr) {
        let inbox = Self::default();
        let filled = inbox.clone();
        let addr = answer(move |request| {
            let filled = filled.clone();
            async move {
                let path = request.uri().path().to_owned();
                let body = request.into_body().collect().await.expect("a body").to_bytes();
                let json = serde_json::from_slice(&body).expect("JSON");
                filled.0.lock().expect("no panic").push((path, json));
                Response::new(Full::default())
            }
        })
        .await;
        (inbox, addr)
    }

    /// What pages said of one alert of an SLO, `firing` or `resolved`, once per page.
    pub(crate) fn pages(&self, alert: &str, slo: &str, status: &str) -> Vec<Value> {
        let all = self.0.lock().expect("no panic");
        let pages = all.iter().filter(|(path, _)| path == "/page");
        let alerts = pages.flat_map(|(_, page)| page["alerts"].as_array().into_iter().flatten());
        let ours = |found: &&Value| {
            let labels = &found["labels"];
            labels["alertname"] == alert && labels["slo"] == slo && found["status"] == status
        };
        alerts.filter(ours).cloned().collect()
    }
}

/// Asks again and again, within bounds.
pub(crate) async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let asked = async {
        loop {
            if let Some(found) = ask().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    };
    let Ok(found) = tokio::time::timeout(PATIENCE, asked).await else { panic!("never: {what}") };
    found
}

pub(crate) struct Prometheus(Server);

impl Prometheus {
    pub(crate) async fn query(&self, expr: &str) -> Vec<Value> {
        let path = format!("/api/v1/query?query={}", encode(expr));
        let answer = get(self.0.addr, &path).await;
        assert_eq!(answer["status"], "success", "{expr}: {answer}");
        answer["data"]["result"].as_array().cloned().unwrap_or_default()
    }

    /// The raw samples of one series: times and values.
    pub(crate) async fn samples(&self, selector: &str) -> Vec<(f64, f64)> {
        let found = self.query(&format!("{selector}[10m]")).await;
        let [series] = found.as_slice() else { panic!("{selector}: {found:?}") };
        let sample = |pair: &Value| {
            let value = pair[1].as_str().expect("a value").parse().expect("a number");
            (pair[0].as_f64().expect("a time"), value)
        };
        series["values"].as_array().expect("values").iter().map(sample).collect()
    }
}

/// Alertmanager with the generated configuration.
pub(crate) async fn start_alertmanager(dir: &Path) -> Server {
    let config = dir.join("alertmanager/alertmanager.yaml");
    let (config, data) = (config.display(), dir.join("am"));
    let (config, data) =
        (format!("--config.file={config}"), format!("--storage.path={}", data.display()));
    ready(serve("prometheus-alertmanager", &[&config, &data, "--cluster.listen-address="])).await
}

/// Prometheus with the generated rules, scraping `target` as the job of its name.
pub(crate) async fn start_prometheus(
    dir: &Path,
    (job, target): (&str, SocketAddr),
    interval: Duration,
    alertmanager: SocketAddr,
) -> Prometheus {
    let interval = interval.as_millis();
    let config = format!(
        "global: {{scrape_interval: {interval}ms, scrape_timeout: {interval}ms}}\n\
         rule_files: [prometheus/*.rules.yaml]\n\
         alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{alertmanager}']}}]}}]}}\n\
         scrape_configs: [{{job_name: {job}, static_configs: [{{targets: ['{target}']}}]}}]\n"
    );
    let file = dir.join("prometheus.yaml");
    std::fs::write(&file, config).expect("writes");
    let config = format!("--config.file={}", file.display());
    let data = format!("--storage.tsdb.path={}", dir.join("tsdb").display());
    // It finds Alertmanager after its first evaluation, and sends what fired then again.
    let resend = "--rules.alert.resend-delay=1s";
    Prometheus(ready(serve("prometheus", &[&config, &data, resend])).await)
}

/// A server listens before it can answer.
async fn ready(server: Server) -> Server {
    until("it is ready", async || {
        let request = Request::get("/-/ready").header("host", "localhost").body(Full::default());
        let (status, _) = send(server.addr, request.expect("a request")).await;
        (status == 200).then_some(())
    })
    .await;
    server
}

/// The fast page of one SLO.
pub(crate) struct Page<'a> {
    pub(crate) slo: &'a str,
    /// Its long window.
    pub(crate) window: Duration,
    pub(crate) threshold: f64,
    /// Between scrapes.
    pub(crate) interval: Duration,
}

impl Page<'_> {
    /// The series that is there while it fires.
    pub(crate) fn fires(&self) -> String {
        format!(
            "ALERTS{{alertname=\"SLOErrorBudgetBurn\",alertstate=\"firing\",slo=\"{}\",\
             slo_tier=\"fast\",severity=\"page\"}}",
            self.slo
        )
    }

    pub(crate) async fn waits_for_history(&self, prometheus: &Prometheus) {
        let oldest = (self.window + self.interval * 2).as_millis();
        let good = format!("slo_events_total{{slo=\"{}\",outcome=\"good\"}}", self.slo);
        until("a window of history", async || {
            let found = prometheus.query(&format!("{good} offset {oldest}ms")).await;
            (!found.is_empty()).then_some(())
        })
        .await;
    }

    pub(crate) async fn waits_to_fire(&self, prometheus: &Prometheus) {
        let fires = self.fires();
        until("the page fires", async || {
            (!prometheus.query(&fires).await.is_empty()).then_some(())
        })
        .await;
    }

    /// By the samples that Prometheus has, it fired at the first evaluation at which
    /// the long window was above the threshold. Gives how many scrapes saw the
    /// fault until then, and how many the long window holds.
    pub(crate) async fn fired_in_time(&self, prometheus: &Prometheus) -> (usize, usize) {
        let counter = |outcome: &str| {
            format!("slo_events_total{{slo=\"{}\",outcome=\"{outcome}\"}}", self.slo)
        };
        let good = prometheus.samples(&counter("good")).await;
        let bad = prometheus.samples(&counter("bad")).await;
        let fired = prometheus.samples(&self.fires()).await[0].0;
        let recorded = format!("slo:current_burn_rate:ratio{{slo=\"{}\"}}", self.slo);
        let evaluations = prometheus.samples(&recorded).await;
        let (window, interval) = (self.window.as_secs_f64(), self.interval.as_secs_f64());
        let inside = |at: f64| move |(time, _): &&(f64, f64)| *time > at - window && *time <= at;
        let ratio = |at: f64, seen: f64| {
            let grown = |samples: &[(f64, f64)]| {
                let mut window = samples.iter().filter(inside(at)).filter(|(t, _)| *t <= seen);
                let first = window.next().map_or(0.0, |(_, value)| *value);
                window.next_back().map_or(0.0, |(_, value)| value - first)
            };
            let (good, bad) = (grown(&good), grown(&bad));
            bad / (good + bad).max(1.0)
        };
        // The edges of a range differ by an interval in more than a hundred.
        let found = ratio(fired, fired);
        assert!(found > self.threshold * 0.97, "fired at {found}");
        for (at, _) in evaluations.iter().filter(|(at, _)| *at < fired) {
            // A scrape that has begun by then may not be stored yet.
            let found = ratio(*at, *at - interval);
            assert!(found < self.threshold * 1.03, "did not fire at {found}");
        }
        let failing = bad.iter().filter(|(at, value)| *at <= fired && *value > bad[0].1).count();
        (failing, bad.iter().filter(inside(fired)).count())
    }
}
