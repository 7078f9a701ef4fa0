//! What the console answers, to a browser and to everybody else.
#![cfg(feature = "console")]

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Full};
use serde_json::{Value, json};
use sre_kit::admin::{Admin, AdminBody, AdminService, Console, ConsoleBuilder, Page};
use sre_kit::golden_signals::{GoldenSignals, Outcome, Routes};
use sre_kit::health::{Check, Health, ShowDetails};
use sre_kit::metrics::Registry;
use sre_kit::slo::{Budgets, Slo, Slos};
use tower::{Layer, Service, ServiceExt, service_fn};

/// What a browser sends for a page.
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

fn serve(registry: &Registry, console: ConsoleBuilder) -> AdminService {
    let admin = Admin::builder().console(&console.build(registry)).open(true);
    admin.build(registry).expect("valid").service()
}

async fn ask(service: &AdminService, request: Request<Empty<Bytes>>) -> Response<Bytes> {
    let Ok(response) = service.clone().oneshot(request).await;
    let (head, body) = response.into_parts();
    Response::from_parts(head, body.collect().await.expect("whole").to_bytes())
}

async fn get(service: &AdminService, path: &str, accept: &str) -> Response<Bytes> {
    let request = Request::get(path).header(ACCEPT, accept).body(Empty::new()).expect("valid");
    ask(service, request).await
}

async fn data(service: &AdminService) -> Value {
    let response = get(service, "/console/data", "*/*").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
    serde_json::from_slice(response.body()).expect("JSON")
}

#[tokio::test]
async fn a_browser_is_given_the_page_and_curl_the_list() {
    let registry = Registry::new();
    let service = serve(&registry, Console::builder());
    for path in ["/", "/console"] {
        let page = get(&service, path, BROWSER).await;
        assert_eq!(page.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
        assert!(page.body().starts_with(b"<!doctype html>"));
        let policy = page.headers()["content-security-policy"].to_str().expect("text");
        assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"), "{policy}");
        assert_eq!(page.headers()["cache-control"], "no-store", "another process may be here next");
        let list = get(&service, path, "*/*").await;
        assert_eq!(list.headers()[CONTENT_TYPE], "text/plain; charset=utf-8");
        assert!(String::from_utf8_lossy(list.body()).contains("/console "));
    }
}

#[tokio::test]
async fn the_page_is_packed_for_who_takes_it_so() {
    let registry = Registry::new();
    let service = serve(&registry, Console::builder());
    let request = Request::get("/").header(ACCEPT, BROWSER).header(ACCEPT_ENCODING, "br, gzip");
    let packed = ask(&service, request.body(Empty::new()).expect("valid")).await;
    assert_eq!(packed.headers()[CONTENT_ENCODING], "gzip");
    let plain = get(&service, "/", BROWSER).await;
    assert!(plain.headers().get(CONTENT_ENCODING).is_none());
    let mut unpacked = Vec::new();
    let mut decoder = flate2::read::GzDecoder::new(&packed.body()[..]);
    std::io::Read::read_to_end(&mut decoder, &mut unpacked).expect("gzip");
    assert_eq!(unpacked, plain.body()[..]);
}

#[tokio::test]
async fn a_page_of_ones_own_keeps_the_root() {
    let registry = Registry::new();
    let own = Page::get("/", "Mine.", |_| async { Response::new(AdminBody::from("mine")) });
    let console = Console::builder().build(&registry);
    let admin = Admin::builder().page(own).console(&console).open(true);
    let admin = admin.build(&registry).expect("valid");
    let service = admin.service();
    assert_eq!(get(&service, "/", BROWSER).await.body(), "mine");
    assert!(get(&service, "/console", BROWSER).await.body().starts_with(b"<!doctype"));
}

#[tokio::test]
async fn nothing_can_be_written() {
    let registry = Registry::new();
    let service = serve(&registry, Console::builder());
    for path in ["/", "/console", "/console/data"] {
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let request = Request::builder().method(method).uri(path);
            let refused = ask(&service, request.body(Empty::new()).expect("valid")).await;
            assert_eq!(refused.status(), StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn the_numbers_are_those_that_were_counted() {
    let registry = Registry::new();
    let slos = Slos::new("shop", [Slo::availability("all", "99.9".parse().expect("valid"))]);
    let budgets = Budgets::new(&registry, &slos.expect("valid")).expect("free names");
    let signals = GoldenSignals::builder()
        .routes(Routes::new(["/ok", "/bad"]).expect("valid"))
        .slos(&budgets)
        .build(&registry)
        .expect("valid");
    let mut shop = signals.layer().layer(service_fn(|request: Request<()>| async move {
        let status = if request.uri().path() == "/bad" { 500 } else { 200 };
        let response = Response::builder().status(status).body(Full::<Bytes>::default());
        Ok::<_, Infallible>(response.expect("valid"))
    }));
    for path in ["/ok", "/ok", "/ok", "/bad"] {
        let request = Request::get(path).body(()).expect("valid");
        let Ok(response) = shop.ready().await.expect("always").call(request).await;
        response.into_body().collect().await.expect("whole");
    }
    let console = Console::builder().budgets(&budgets);
    let told = data(&serve(&registry, console)).await;
    let traffic = &told["traffic"];
    assert_eq!(traffic["outcomes"], json!(Outcome::ALL.map(Outcome::as_str)));
    assert_eq!((&traffic["in_flight"], &traffic["others"]), (&json!(0), &Value::Null));
    let [ok, bad] = &traffic["rows"].as_array().expect("rows")[..] else { panic!("{traffic}") };
    assert_eq!((&ok["route"], &ok["started"]), (&json!("/ok"), &json!(3)), "the busiest first");
    assert_eq!(ok["ended"], json!([3, 0, 0, 0, 0, 0, 0, 0, 0]));
    assert_eq!(bad["ended"], json!([0, 0, 1, 0, 0, 0, 0, 0, 0]));
    let counts = ok["counts"].as_array().expect("latencies");
    assert_eq!(counts.len(), traffic["le"].as_array().expect("bounds").len() + 1);
    assert_eq!(counts.iter().filter_map(Value::as_u64).sum::<u64>(), 3);
    let slo = &told["slo"]["slos"][0];
    assert_eq!((&slo["good"], &slo["bad"]), (&json!(3), &json!(1)));
}

#[tokio::test]
async fn what_a_check_has_said_is_told_only_where_it_may_be() {
    for (details, said) in
        [(ShowDetails::never(), Value::Null), (ShowDetails::on_verbose(), json!("db-7 is down"))]
    {
        let registry = Registry::new();
        let health = Health::builder()
            .show_details(details)
            .check(Check::new("database", || async { Err::<(), _>("db-7 is down") }))
            .build(&registry)
            .expect("valid");
        let _running = health.spawn();
        while health.snapshot().check("database").is_some_and(|check| check.age().is_none()) {
            tokio::task::yield_now().await;
        }
        health.set_draining("the operator said so");
        let told = data(&serve(&registry, Console::builder().health(&health))).await;
        let check = &told["health"]["checks"][0];
        assert_eq!((&check["name"], &check["state"]), (&json!("database"), &json!("fail")));
        assert!(check["age"].as_f64().is_some_and(|age| age >= 0.0));
        assert_eq!(check["message"], said);
        let reason = &told["health"]["draining"];
        assert_eq!(reason == "the operator said so", !said.is_null(), "{reason}");
    }
}

#[tokio::test]
async fn families_that_are_not_shown_are_not_even_computed() {
    let registry = Registry::new();
    let asked = Arc::new(AtomicUsize::new(0));
    for name in ["jobs_waiting", "saturation_pool_used"] {
        let asked = Arc::clone(&asked);
        let labels = ["pool"];
        let gauge = registry.gauge_fn(name, "Help.", &labels, move |samples| {
            asked.fetch_add(1, Ordering::Relaxed);
            samples.push(&["a \"b\" \\ c\n"], 3.0);
        });
        gauge.expect("a free name");
    }
    let told = data(&serve(&registry, Console::builder())).await;
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    assert_eq!(
        told["metrics"]["saturation_pool_used"],
        json!({ "series": [[{ "pool": "a \"b\" \\ c\n" }, 3.0]] })
    );
}

#[tokio::test]
async fn a_metric_that_panics_costs_one_answer() {
    let registry = Registry::new();
    let asked = AtomicUsize::new(0);
    let gauge = registry.gauge_fn("process_moods", "Help.", &[], move |samples| {
        assert!(asked.fetch_add(1, Ordering::Relaxed) > 0, "it is in a bad mood");
        samples.push(&[], 1.0);
    });
    gauge.expect("a free name");
    let service = serve(&registry, Console::builder());
    let failed = get(&service, "/console/data", "*/*").await;
    assert_eq!(failed.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(data(&service).await["metrics"]["process_moods"]["series"][0][1], json!(1.0));
}

/// A part of the kit that renames a family would leave its place on the page empty.
#[cfg(feature = "db")]
#[tokio::test]
async fn every_family_that_the_page_reads_is_one_that_the_kit_has() {
    use sre_kit::SreKit;
    use sre_kit::admission::{Admission, Limit};
    use sre_kit::db::DbMetrics;

    let kit = SreKit::builder(sre_kit::build_info!()).build().expect("valid");
    let registry = kit.registry();
    let _admission = Admission::builder().limit(Limit::fixed(8)).build(registry).expect("valid");
    let _database = DbMetrics::new(registry).expect("free names");
    let scripts = concat!(
        include_str!("../../assets/console/metrics.js"),
        include_str!("../../assets/console/console.js")
    );
    let mut read = 0;
    for name in scripts.split('"').filter(|text| is_family(text)) {
        // What telemetry counts is registered by its export, which is not started here.
        if name.starts_with("sre_kit_telemetry_") {
            continue;
        }
        let free = registry.gauge_fn(name, "Help.", &[], |_| {}).is_ok();
        assert!(!free || name == "sre_kit_metrics_overflow_total", "no part of the kit has {name}");
        read += 1;
    }
    assert!(read > 30, "{read} names were found");
}

#[cfg(feature = "db")]
fn is_family(text: &str) -> bool {
    let beginnings = [
        "cgroup_",
        "db_",
        "health_",
        "http_server_",
        "lifecycle_",
        "process_",
        "saturation_",
        "sre_kit_",
        "tokio_",
    ];
    beginnings.iter().any(|beginning| text.starts_with(beginning))
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}
