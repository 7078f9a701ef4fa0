//! What a scraper reads, in every format, and how it is answered over HTTP.

use std::convert::Infallible;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::FutureExt;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, ALLOW, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER,
    VARY,
};
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram as ForeignHistogram, NativeHistogramConfig};
use prometheus_client::metrics::info::Info;
use prometheus_client::metrics::{counter::Counter as ForeignCounter, gauge::Gauge};
use sre_kit::metrics::{Buckets, Exposition, Format, Registry};
use sre_kit::testing::{Scrape, Series};
use tower::ServiceExt;

use crate::support::golden;

fn scrape(text: &str) -> Scrape {
    Scrape::parse(text).expect("well-formed")
}

/// Every sample as text, so that NaN equals NaN, with bounds that are spelled in one way.
fn normal(scrape: &Scrape) -> Vec<String> {
    let normal = |(series, value): (&Series, f64)| {
        let mut labels = series.labels().clone();
        if let Some(le) = labels.get_mut("le") {
            *le = le.parse::<f64>().expect("a bound").to_string();
        }
        format!("{} {labels:?} {value}", series.name())
    };
    let mut samples: Vec<_> = scrape.samples().map(normal).collect();
    samples.sort_unstable();
    samples
}

const OPEN_METRICS: &str = "application/openmetrics-text;version=1.0.0";

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Room {
    floor: String,
    name: String,
}

/// One of everything, with the values that formats disagree on.
fn zoo() -> Registry {
    let registry = Registry::builder().max_series_per_family(3).shards(2).build().expect("valid");
    let jobs = registry.counter_family("jobs_total", "Jobs \"done\",\nby \\kind.", &["kind"]);
    let jobs = jobs.expect("valid");
    for kind in ["import", "a \"quoted\"\nback\\slash {}, le=\"1\"", "näme ✓", "one too many"] {
        jobs.with(&[kind]).add(2);
    }
    let buckets = Buckets::seconds([0.005, 0.25, 1.0, 10.0]).expect("valid");
    let waits = registry.histogram_family("wait_seconds", "Waits.", &buckets, &["route"]);
    for millis in [1, 250, 700, 60_000] {
        waits
            .as_ref()
            .expect("valid")
            .with(&["/items/{id}"])
            .observe_duration(Duration::from_millis(millis));
    }
    let sizes = Buckets::units([0, 64, 1 << 30]).expect("valid");
    registry.histogram("body_size_bytes", "Sizes.", &sizes).expect("valid").observe_raw(65);
    registry
        .gauge_fn("load_ratio", "Odd floats.", &["of"], |samples| {
            for (of, value) in [
                ("plain", 0.5),
                ("whole", 3.0),
                ("tiny", 1e-9),
                ("nan", f64::NAN),
                ("inf", f64::INFINITY),
                ("minus", f64::NEG_INFINITY),
            ] {
                samples.push(&[of], value);
            }
        })
        .expect("valid");

    let tasks = ForeignCounter::<u64>::default();
    tasks.inc_by(7);
    registry.register("tasks", "Tasks \"done\"\nin two lines", tasks).expect("valid");
    let rooms = Family::<Room, Gauge>::default();
    let room = Room { floor: "1".to_owned(), name: "the \"red\"\nroom\\".to_owned() };
    rooms.get_or_create(&room).set(-4);
    registry.register("rooms", "Rooms.", rooms).expect("valid");
    registry.register("nobody", "Empty.", Family::<Room, Gauge>::default()).expect("valid");
    let info = Info::new(vec![("color".to_owned(), "green".to_owned())]);
    registry.register("paint", "Paint.", info).expect("valid");
    let classic = ForeignHistogram::new([0.5, 1.0]);
    classic.observe(0.7);
    registry.register("classic", "Classic.", classic).expect("valid");
    let native = ForeignHistogram::new_native(NativeHistogramConfig::new(1.1));
    native.observe(0.7);
    registry.register("native", "Native only.", native).expect("valid");
    registry
}

fn text(registry: &Registry, format: Format) -> String {
    let mut out = Vec::new();
    registry.encode(format, &mut out);
    String::from_utf8(out).expect("text")
}

async fn get(exposition: &Exposition, headers: &[(http::HeaderName, &str)]) -> Response<Bytes> {
    send(exposition, Method::GET, headers).await
}

async fn send(
    exposition: &Exposition,
    method: Method,
    headers: &[(http::HeaderName, &str)],
) -> Response<Bytes> {
    let mut request = Request::builder().method(method).uri("/metrics");
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    let request = request.body(()).expect("valid");
    let Ok(response): Result<_, Infallible> = exposition.clone().oneshot(request).await;
    let (head, body) = response.into_parts();
    let body = body.collect().await.expect("not given up");
    Response::from_parts(head, body.to_bytes())
}

#[test]
fn the_prometheus_text_is_the_golden_file() {
    golden::check("prometheus.txt", &text(&zoo(), Format::Prometheus));
}

#[test]
fn the_openmetrics_text_is_the_golden_file() {
    golden::check("openmetrics.txt", &text(&zoo(), Format::OpenMetrics));
}

#[test]
fn both_texts_hold_the_same_samples_and_keep_every_label_value() {
    let registry = zoo();
    let prometheus = scrape(&text(&registry, Format::Prometheus));
    let open_metrics = scrape(&text(&registry, Format::OpenMetrics));
    let value = |labels: &[(&str, &str)]| prometheus.value("jobs_total", labels);
    assert_eq!(value(&[("kind", "import")]), Some(2.0));
    assert_eq!(value(&[("kind", "a \"quoted\"\nback\\slash {}, le=\"1\"")]), Some(2.0));
    assert_eq!(value(&[("kind", "näme ✓")]), Some(2.0));
    assert_eq!(value(&[("otel_metric_overflow", "true")]), Some(2.0));
    let room = [("floor", "1"), ("name", "the \"red\"\nroom\\")];
    assert_eq!(prometheus.value("rooms", &room), Some(-4.0));
    assert_eq!(normal(&prometheus), normal(&open_metrics));
}

#[test]
fn what_is_encoded_is_appended_to_what_is_there() {
    let registry = zoo();
    for &format in Format::ALL {
        let (mut alone, mut after) = (Vec::new(), vec![0xff]);
        registry.encode(format, &mut alone);
        registry.encode(format, &mut after);
        assert_eq!((after[0], &after[1..]), (0xff, &alone[..]), "{format:?}");
    }
}

#[test]
fn a_suffix_that_would_be_doubled_is_refused() {
    let registry = Registry::new();
    let counter = ForeignCounter::<u64>::default();
    let err = registry.register("jobs_total", "Jobs.", counter.clone()).expect_err("refused");
    assert!(err.to_string().contains("leave `_total` out"), "{err}");
    registry.register("jobs", "Jobs.", counter).expect("nothing was reserved");
}

#[tokio::test]
async fn the_default_is_prometheus_text_and_every_header_is_there() {
    let exposition = Exposition::new(&zoo()).expect("valid");
    let response = get(&exposition, &[]).await;
    assert_eq!(response.status(), StatusCode::OK);
    let headers = response.headers();
    assert_eq!(headers[CONTENT_TYPE], "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(headers[VARY], "accept, accept-encoding");
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(headers[CONTENT_LENGTH], response.body().len().to_string());
    assert!(!headers.contains_key(CONTENT_ENCODING));
}

#[tokio::test]
async fn openmetrics_is_answered_where_it_is_asked_for() {
    let exposition = Exposition::new(&zoo()).expect("valid");
    let response = get(&exposition, &[(ACCEPT, OPEN_METRICS)]).await;
    assert_eq!(response.headers()[CONTENT_TYPE], Format::OpenMetrics.content_type());
    assert!(response.body().ends_with(b"\n# EOF\n"));
}

#[tokio::test]
async fn gzip_is_used_above_a_size_where_it_is_accepted() {
    let registry = zoo();
    let exposition = Exposition::new(&registry).expect("valid");
    let response = get(&exposition, &[(ACCEPT_ENCODING, "gzip")]).await;
    assert_eq!(response.headers()[CONTENT_ENCODING], "gzip");
    assert_eq!(response.headers()[CONTENT_LENGTH], response.body().len().to_string());
    let mut plain = String::new();
    flate2::read::GzDecoder::new(&response.body()[..]).read_to_string(&mut plain).expect("gzip");
    assert!(response.body().len() < plain.len() / 2);
    assert!(scrape(&plain).value("jobs_total", &[("kind", "import")]).is_some());

    let plain = Exposition::builder().gzip_above(1 << 20).build(&registry).expect("valid");
    let response = get(&plain, &[(ACCEPT_ENCODING, "gzip")]).await;
    assert!(!response.headers().contains_key(CONTENT_ENCODING));
}

#[tokio::test]
async fn head_is_get_without_its_body() {
    let exposition = Exposition::new(&Registry::new()).expect("valid");
    let get = get(&exposition, &[]).await;
    let mut head = send(&exposition, Method::HEAD, &[]).await;
    assert_eq!(head.status(), StatusCode::OK);
    assert!(head.body().is_empty());
    // The second scrape shows the first, so it is longer by some digits.
    let length = head.headers()[CONTENT_LENGTH].to_str().expect("digits").parse::<usize>();
    assert!(length.expect("a number") >= get.body().len());
    head.headers_mut().insert(CONTENT_LENGTH, get.headers()[CONTENT_LENGTH].clone());
    assert_eq!(head.headers(), get.headers());
}

#[tokio::test]
async fn other_methods_are_not_allowed() {
    let exposition = Exposition::new(&Registry::new()).expect("valid");
    for method in [Method::POST, Method::DELETE, Method::OPTIONS] {
        let response = send(&exposition, method, &[]).await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(response.headers()[ALLOW], "GET, HEAD");
    }
}

#[tokio::test]
async fn a_scrape_past_the_cap_is_refused_and_counted() {
    // A response that is not read for a second gives way, which is no refusal: on a machine that is so
    // busy, the scrapes begin anew.
    let (registry, exposition, first, _second, third) = loop {
        let began = Instant::now();
        let registry = Registry::new();
        let exposition = Exposition::builder().max_concurrent(2).build(&registry).expect("valid");
        let ask = || exposition.clone().oneshot(Request::new(()));
        let (Ok(first), Ok(second), Ok(third)) = (ask().await, ask().await, ask().await);
        if began.elapsed() < Duration::from_millis(900) {
            break (registry, exposition, first, second, third);
        }
    };
    let ask = || exposition.clone().oneshot(Request::new(()));
    assert_eq!(third.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(third.headers()[RETRY_AFTER], "1");
    // A response that was read to its end gives its place back.
    first.into_body().collect().await.expect("not given up");
    let Ok(fourth) = ask().await;
    assert_eq!(fourth.status(), StatusCode::OK);
    let seen = scrape(&text(&registry, Format::Prometheus));
    let count = |outcome| {
        let labels = [("format", "prometheus"), ("outcome", outcome)];
        seen.value("sre_kit_scrapes_total", &labels)
    };
    assert_eq!((count("ok"), count("refused"), count("failed")), (Some(3.0), Some(1.0), Some(0.0)));
    assert_eq!(seen.value("sre_kit_scrape_size_bytes_count", &[]), Some(3.0));
    assert_eq!(seen.value("sre_kit_scrape_duration_seconds_count", &[]), Some(3.0));
}

#[tokio::test]
async fn two_expositions_of_one_registry_count_together() {
    let registry = Registry::new();
    for _ in 0..2 {
        let exposition = Exposition::new(&registry).expect("the second one as well");
        get(&exposition, &[]).await;
    }
    let seen = scrape(&text(&registry, Format::Prometheus));
    let labels = [("format", "prometheus"), ("outcome", "ok")];
    assert_eq!(seen.value("sre_kit_scrapes_total", &labels), Some(2.0));
}

#[tokio::test]
async fn a_large_scrape_is_written_off_the_reactor() {
    let registry = Registry::builder().max_series_per_family(5_000).build().expect("valid");
    let family = registry.counter_family("jobs_total", "Jobs.", &["kind"]).expect("valid");
    for kind in 0..5_000 {
        family.with(&[&kind.to_string()]);
    }
    let here = std::thread::current().id();
    let elsewhere = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&elsewhere);
    registry
        .gauge_fn("probe", "Where it runs.", &[], move |_| {
            seen.store(std::thread::current().id() != here, Ordering::Relaxed);
        })
        .expect("valid");
    let exposition = Exposition::new(&registry).expect("valid");
    get(&exposition, &[]).await;
    assert!(elsewhere.load(Ordering::Relaxed), "the first one may be of any size");
    get(&exposition, &[]).await;
    assert!(elsewhere.load(Ordering::Relaxed), "it was large");

    let small = Registry::new();
    let seen = Arc::clone(&elsewhere);
    small
        .gauge_fn("probe", "Where it runs.", &[], move |_| {
            seen.store(std::thread::current().id() != here, Ordering::Relaxed);
        })
        .expect("valid");
    let exposition = Exposition::new(&small).expect("valid");
    get(&exposition, &[]).await;
    get(&exposition, &[]).await;
    assert!(!elsewhere.load(Ordering::Relaxed), "it was small");
}

#[test]
fn without_a_runtime_a_scrape_is_written_where_it_is_asked_for() {
    let exposition = Exposition::new(&Registry::new()).expect("valid");
    let future = exposition.respond(&Method::GET, &http::HeaderMap::new());
    let Ok(response) = future.now_or_never().expect("ready at once");
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_collector_that_panics_costs_one_scrape_and_no_more() {
    let registry = Registry::new();
    let broken = Arc::new(AtomicBool::new(true));
    let flag = Arc::clone(&broken);
    registry
        .gauge_fn("fragile", "Breaks.", &[], move |samples| {
            assert!(!flag.load(Ordering::Relaxed), "on purpose");
            samples.push(&[], 1.0);
        })
        .expect("valid");
    let exposition = Exposition::builder().max_concurrent(1).build(&registry).expect("valid");
    let response = get(&exposition, &[]).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    broken.store(false, Ordering::Relaxed);
    let response = get(&exposition, &[]).await;
    assert_eq!(response.status(), StatusCode::OK, "its place was given back");
    let seen = scrape(std::str::from_utf8(response.body()).expect("text"));
    let labels = [("format", "prometheus"), ("outcome", "failed")];
    assert_eq!(seen.value("sre_kit_scrapes_total", &labels), Some(1.0));
}

#[test]
fn a_cap_of_nothing_is_refused_by_name() {
    let err = Exposition::builder().max_concurrent(0).build(&Registry::new()).expect_err("refused");
    assert_eq!(err.field(), "max_concurrent");
}

#[test]
fn a_metric_that_expositions_report_cannot_be_taken() {
    let registry = Registry::new();
    registry.counter("sre_kit_scrapes_total", "Mine.").expect("free so far");
    let err = Exposition::new(&registry).expect_err("taken");
    assert_eq!(err.value(), "\"sre_kit_scrapes_total\"");
}
