//! A service that uses the kit for all it has. Each scrape drives as many
//! requests through it, so that time is counted in scrapes.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use sre_kit::admission::{Admission, Limit};
use sre_kit::golden_signals::{GoldenSignals, Routes};
use sre_kit::metrics::{ProcessMetrics, Registry, TextFormat};
use sre_kit::saturation::Saturation;
use sre_kit::slo::{Budgets, Slos};
use tempfile::TempDir;
use tower::{Layer, ServiceExt, service_fn};

use super::http::answer;

/// Requests to `/items/{id}` per scrape.
pub(crate) const REQUESTS: usize = 20;

pub(crate) struct Shop {
    pub(crate) addr: SocketAddr,
    failing: Arc<AtomicBool>,
    _files: TempDir,
}

impl Shop {
    /// Has every request to `/items/{id}` fail, or none.
    pub(crate) fn fail(&self, failing: bool) {
        self.failing.store(failing, Ordering::Relaxed);
    }

    pub(crate) async fn start(slos: &Slos) -> Self {
        let registry = Registry::new();
        let budgets = Budgets::new(&registry, slos).expect("budgets");
        let signals = GoldenSignals::builder()
            .routes(Routes::new(["/items/{id}", "/search", "/events"]).expect("routes"))
            .slos(&budgets)
            .build(&registry)
            .expect("signals");
        let admission = Admission::builder()
            .limit(Limit::fixed(64))
            .queue(8, Duration::from_secs(1))
            .build(&registry)
            .expect("an admission");
        let files = control_group();
        let saturation = Saturation::builder()
            .runtime(tokio::runtime::Handle::current())
            .filesystem_root(files.path())
            .build(&registry)
            .expect("readings");
        ProcessMetrics::register(&registry).expect("process metrics");
        let failing = Arc::new(AtomicBool::new(false));
        let fails = Arc::clone(&failing);
        let app = signals.layer().layer(admission.layer().layer(service_fn(
            move |request: Request<Full<Bytes>>| {
                let response = respond(request.uri().path(), fails.load(Ordering::Relaxed));
                async move { Ok::<_, Infallible>(response) }
            },
        )));
        let stat = files.path().join("sys/fs/cgroup/cpu.stat");
        let scrapes = Arc::new(AtomicUsize::new(0));
        let addr = answer(move |_| {
            let scrape = scrapes.fetch_add(1, Ordering::Relaxed) + 1;
            std::fs::write(&stat, throttled(scrape)).expect("written");
            let (app, budgets, registry) = (app.clone(), budgets.clone(), registry.clone());
            let saturation = saturation.clone();
            async move {
                let items = std::iter::repeat_n("/items/7", REQUESTS);
                for path in items.chain(["/search", "/events", "/nowhere"]) {
                    let request = Request::get(path).body(Full::default()).expect("a request");
                    let response = app.clone().oneshot(request).await.expect("an answer");
                    drop(response.into_body().collect().await);
                }
                budgets.slo("import").expect("defined").add(99, 1);
                let _ = saturation.snapshot();
                let mut text = String::new();
                registry.encode_text(&mut text, TextFormat::Prometheus);
                Response::builder()
                    .header("content-type", "text/plain; version=0.0.4; charset=utf-8")
                    .body(Full::from(text))
                    .expect("a response")
            }
        })
        .await;
        Self { addr, failing, _files: files }
    }
}

fn respond(path: &str, failing: bool) -> Response<BoxBody<Bytes, Infallible>> {
    let mut response = Response::new(Full::from("some bytes").boxed());
    match path {
        "/items/7" if failing => *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR,
        "/events" => {
            let event = Ok(Frame::data(Bytes::from_static(b"data: one\n\n")));
            let kind = http::HeaderValue::from_static("text/event-stream");
            response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
            *response.body_mut() = StreamBody::new(futures_util::stream::iter([event])).boxed();
        }
        _ => {}
    }
    response
}

/// What the kernel says after so many scrapes: every fourth period is throttled.
fn throttled(scrapes: usize) -> String {
    let (periods, stopped) = (scrapes * 4, scrapes);
    format!("nr_periods {periods}\nnr_throttled {stopped}\nthrottled_usec {stopped}00000\n")
}

/// The control group of a pod, so that the test need not run in one.
fn control_group() -> TempDir {
    let root = tempfile::tempdir().expect("a folder");
    let pressure = "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n";
    for (path, text) in [
        ("proc/self/cgroup", "0::/\n"),
        ("proc/self/mountinfo", "30 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"),
        ("sys/fs/cgroup/cpu.stat", &throttled(0)),
        ("sys/fs/cgroup/cpu.max", "250000 100000\n"),
        ("sys/fs/cgroup/memory.current", "402653184\n"),
        ("sys/fs/cgroup/memory.max", "536870912\n"),
        ("sys/fs/cgroup/cpu.pressure", pressure),
    ] {
        let file = root.path().join(path);
        std::fs::create_dir_all(file.parent().expect("below the root")).expect("made");
        std::fs::write(file, text).expect("written");
    }
    root
}
