//! The test kit, from the outside: what it sees, and what it says when an assertion fails.
#![cfg(all(feature = "testing", feature = "axum"))]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use bytes::Bytes;
use futures_util::FutureExt;
use http::{Request, StatusCode};
use sre_kit::golden_signals::RouteSource;
use sre_kit::slo::Slo;
use sre_kit::testing::{Scrape, TestKit, assert_alert, assert_no_alert};
use sre_kit::{SreKit, SreKitBuilder};

async fn checkout(uri: http::Uri) -> StatusCode {
    let query = uri.query().unwrap_or_default();
    if let Some(millis) = query.strip_prefix("millis=") {
        let millis = millis.parse().expect("a number");
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }
    if query == "fail" {
        tracing::error!(reason = "declined", "the payment failed");
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    tracing::info!("paid");
    StatusCode::OK
}

fn builder() -> SreKitBuilder {
    let availability = Slo::availability("checkout", "99.9".parse().expect("valid"));
    let latency = Slo::latency("speed", "99".parse().expect("valid"), Duration::from_millis(300));
    SreKit::builder(sre_kit::build_info!())
        .routes(RouteSource::axum())
        .slo(availability.routes(["/checkout"]))
        .slo(latency.routes(["/checkout"]))
}

fn app(kit: &SreKit) -> Router {
    Router::new()
        .route("/checkout", get(checkout))
        .route("/items/{id}", get(async |Path(id): Path<String>| id))
        .fallback(async || StatusCode::NOT_FOUND)
        .layer(kit.http_layer())
}

fn kit() -> TestKit {
    TestKit::new(builder()).expect("valid")
}

/// Returns what a failed assertion says.
fn failure(assertion: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(assertion)).expect_err("it fails");
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(other) => (*other.downcast::<&str>().expect("a text")).to_owned(),
    }
}

#[tokio::test]
async fn a_test_sees_counters_slos_and_log_lines_of_its_requests() {
    let test = kit();
    let client = test.client(app(test.kit()));
    client.get("/checkout").await.assert_status(200);
    client.get("/checkout?fail").await.assert_status(500);
    assert_eq!(client.get("/items/7").await.text(), "7");

    let requests = || test.metric("sre_kit_http_server_requests_total");
    requests().assert_rose_by(3);
    requests().label("http_route", "/checkout").label("outcome", "error").assert_rose_by(1);
    test.metric("http_server_request_duration_seconds_count").assert_rose_by(3);
    test.slo("checkout").assert_good(1).assert_bad(1).assert_excluded("client_abort", 0);
    let line = test.assert_logged("payment failed");
    line.assert_field("reason", "declined");
    assert_eq!((line.severity(), line.target()), ("ERROR", "rust::testing"));
    test.assert_nothing_in_flight();

    test.mark();
    requests().assert_did_not_rise();
    test.slo("checkout").assert_good(0).assert_bad(0);
    test.assert_no_warnings();
    requests().assert_is(3);
}

#[cfg(feature = "telemetry")]
#[tokio::test]
async fn spans_form_a_tree_and_log_lines_have_its_trace() {
    use tracing::Instrument;

    let test = kit();
    let handler = async || {
        async { tracing::info!("asked the bank") }.instrument(tracing::info_span!("charge")).await;
        async {}.instrument(tracing::info_span!("ship", parcels = 2)).await;
    };
    let app = Router::new().route("/checkout", get(handler)).layer(test.kit().http_layer());
    test.client(app).get("/checkout").await;

    let spans = test.spans();
    spans.assert_tree(
        "
        GET /checkout
          charge
          ship
        ",
    );
    assert_eq!(spans.find("ship").attribute("parcels"), Some("2"));
    let trace = spans.find("GET /checkout").trace_id().to_string();
    assert_eq!(test.assert_logged("asked the bank").trace_id(), Some(&*trace));

    let text = failure(|| spans.assert_tree("GET /checkout\n  ship"));
    assert!(text.contains("expected these spans:\nGET /checkout\n  ship\nbut the spans"), "{text}");
    assert!(text.contains("The spans are:\nGET /checkout\n  charge\n  ship"), "{text}");
    let text = failure(|| drop(spans.find("refund").clone()));
    assert!(text.contains("expected a span called `refund`"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_sleeps_is_slow_in_virtual_time() {
    let test = kit();
    let client = test.client(app(test.kit()));
    client.get("/checkout?millis=300").await;
    client.get("/checkout?millis=301").await;
    test.slo("speed").assert_good(1).assert_bad(1);
    let sum = test.metric("http_server_request_duration_seconds_sum").value().expect("recorded");
    assert!((sum - 0.601).abs() < 0.003, "tokio's timer has milliseconds: {sum}");
}

#[tokio::test(start_paused = true)]
async fn a_page_fires_52_seconds_into_an_outage_and_not_before() {
    let outage = async |within: &str| {
        let test = kit();
        let client = test.client(app(test.kit()));
        test.past_traffic("checkout", 10, Duration::from_hours(2));
        let serve = async |target: &str| {
            for _ in 0..10 {
                client.get(target).await;
            }
        };
        assert_no_alert!(test, "checkout", within = 1m, while serve("/checkout").await);
        let before = test.elapsed();
        if within == "60s" {
            let fail = "/checkout?fail";
            assert_alert!(test, "checkout", Fast, within = 60s, while serve(fail).await);
            assert_alert!(test, "checkout", "fast");
            let after = test.elapsed().saturating_sub(before);
            assert_eq!(after.as_secs(), 52, "3 600 s x 14.4 x 0.001");
        } else {
            let fail = "/checkout?fail";
            assert_alert!(test, "checkout", Fast, within = 40s, while serve(fail).await);
        }
    };
    outage("60s").await;
    let early = AssertUnwindSafe(outage("40s")).catch_unwind().await;
    let text = *early.expect_err("too early").downcast::<String>().expect("a text");
    assert!(text.contains("`fast` of the SLO `checkout` to fire within 40 s, but it is rising"));
    assert!(text.contains("fast: rising, burn rate "), "{text}");
    assert!(text.contains("it fires above 14.4"), "{text}");
}

#[test]
fn an_alert_that_does_not_fire_says_why() {
    let test = kit();
    let checkout = test.kit().slo("checkout").expect("defined");
    checkout.add(0, 4);
    let text = failure(|| assert_alert!(test, "checkout", Fast));
    assert!(text.contains("it is only a ticket: 4 bad events in 1h, and a page needs 5"), "{text}");
    let text = failure(|| assert_alert!(test, "checkout", Fastest));
    assert!(text.contains("no alert `fastest`; its alerts are `fast`, `medium`"), "{text}");
    let text = failure(|| assert_alert!(test, "chekout", Fast));
    assert!(text.contains("the names are checkout, speed"), "{text}");
    let text = failure(|| {
        assert_no_alert!(test, "checkout", within = 1m, while checkout.add(0, 1));
    });
    assert!(text.contains("but `fast` fires as a "), "{text}");
    let text =
        failure(|| assert_no_alert!(test, "checkout", within = 10x, while checkout.add(1, 0)));
    assert!(text.contains("`10x` is no duration"), "{text}");
}

#[tokio::test]
async fn a_failed_assertion_shows_what_was_expected_found_and_near() {
    let test = kit();
    let client = test.client(app(test.kit()));
    client.get("/checkout?fail").await;

    let total = test.metric("sre_kit_http_server_requests_total").label("outcome", "ok");
    let text = failure(|| total.assert_rose_by(1));
    let expected = "expected `sre_kit_http_server_requests_total{outcome=\"ok\"}` to rise by 1, but it \
                    rose by 0.\nThe nearest series are:\n";
    assert!(text.starts_with(expected), "{text}");
    assert!(text.contains("outcome=\"error\""), "{text}");

    let text = failure(|| test.metric("sre_kit_http_server_request_total").assert_exists());
    assert!(
        text.contains("No series has this name. The nearest names are `sre_kit_http_server_re"),
        "{text}"
    );
    assert!(text.contains("`sre_kit_http_server_requests_total`"), "{text}");

    let text = failure(|| drop(test.slo("checkout").assert_good(1).clone()));
    assert!(text.contains("expected 1 good events of the SLO `checkout`, but found 0."), "{text}");
    assert!(text.contains("outcome=\"bad\",service=\"sre-kit\",slo=\"checkout\"} 1"), "{text}");

    let text = failure(|| drop(test.assert_logged("paid")));
    assert!(text.contains("ERROR rust::testing: the payment failed reason=declined"), "{text}");
    let text = failure(|| test.assert_no_warnings());
    assert!(text.contains("expected no warning in the log, but found 1."), "{text}");
}

#[tokio::test]
async fn a_label_that_a_client_chooses_is_a_new_series() {
    let test = kit();
    let client = test.client(app(test.kit()));
    client.get("/items/1").await;
    client.get("/unknown").await;
    test.mark();
    for id in 2..20 {
        client.get(&format!("/items/{id}")).await;
        client.get(&format!("/unknown-{id}")).await;
    }
    test.assert_no_new_series();

    let users = test.kit().registry().counter_family("logins_total", "Logins.", &["user"]);
    let users = users.expect("free");
    test.mark();
    users.with(&["ada"]).inc();
    let text = failure(|| test.assert_no_new_series());
    assert!(text.contains("expected no new series, but found 1 beside the "), "{text}");
    assert!(text.contains("logins_total{user=\"ada\"}"), "{text}");
}

#[tokio::test]
async fn a_request_that_is_dropped_is_an_abort_and_one_that_is_held_is_in_flight() {
    let test = kit();
    let client = test.client(app(test.kit()));
    let slow = Request::get("/checkout?millis=60000").body(Bytes::new()).expect("valid");
    assert!(client.send(slow).now_or_never().is_none(), "it waits");
    test.metric("sre_kit_http_server_requests_total")
        .label("outcome", "aborted_before_headers")
        .assert_rose_by(1);
    test.assert_nothing_in_flight();

    let held = tower::ServiceExt::oneshot(
        app(test.kit()),
        Request::get("/items/7").body(axum::body::Body::empty()).expect("valid"),
    );
    let held = held.await.expect("infallible");
    let text = failure(|| test.assert_nothing_in_flight());
    assert!(
        text.contains("expected no request in flight, but found 1 of 2 that started"),
        "{text}"
    );
    assert!(text.contains("Ended are: aborted_before_headers 1."), "{text}");
    drop(held);
}

#[tokio::test]
async fn the_error_of_a_service_is_returned() {
    let test = kit();
    let service = tower::service_fn(async |_: Request<http_body_util::Full<Bytes>>| {
        Err::<http::Response<http_body_util::Full<Bytes>>, _>("no database")
    });
    let client = test.client(tower::Layer::layer(&test.kit().http_layer(), service));
    let error = client.send(Request::new(Bytes::new())).await.expect_err("it fails");
    assert_eq!(error.to_string(), "no database");
    let panic = AssertUnwindSafe(client.get("/")).catch_unwind().await.expect_err("it fails");
    let text = *panic.downcast::<String>().expect("a text");
    assert!(text.contains("to GET /, but the service returned an error: no database"), "{text}");
    test.metric("sre_kit_http_server_requests_total")
        .label("outcome", "service_error")
        .assert_rose_by(2);
}

/// Each test sends a number of requests of its own, all at the same time, and logs its number.
#[test]
fn two_hundred_tests_at_once_never_see_each_others_numbers() {
    const TESTS: u32 = 200;
    let barrier = Arc::new(Barrier::new(TESTS as usize));
    let tests: Vec<_> = (1..=TESTS)
        .map(|number| {
            let barrier = Arc::clone(&barrier);
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.expect("a runtime").block_on(one_of_many(number, &barrier));
            })
        })
        .collect();
    for test in tests {
        test.join().expect("no test sees another");
    }
}

async fn one_of_many(number: u32, barrier: &Barrier) {
    let test = kit();
    let app = app(test.kit())
        .route("/log", get(async move || tracing::info!(number, "a line of test {number}")));
    let client = test.client(app);
    barrier.wait();
    // A pair of counts that no other test has.
    let (paid, failed) = (number % 20 + 1, number / 20 + 1);
    for _ in 0..paid {
        client.get("/checkout").await;
    }
    for _ in 0..failed {
        client.get("/checkout?fail").await;
    }
    client.get("/log").await;

    let all = paid + failed;
    let requests =
        test.metric("sre_kit_http_server_requests_total").label("http_route", "/checkout");
    requests.clone().assert_rose_by(all);
    requests.label("outcome", "error").assert_rose_by(failed);
    test.slo("checkout").assert_good(u64::from(paid)).assert_bad(u64::from(failed));
    let lines = test.log_lines();
    assert_eq!(lines.len(), all as usize + 1);
    let numbered: Vec<_> = lines.iter().filter_map(|line| line.field("number")).collect();
    assert_eq!(numbered, [number.to_string()]);
    #[cfg(feature = "telemetry")]
    {
        let spans = test.spans();
        let found = spans.spans().iter().filter(|span| span.name() == "GET /checkout").count();
        assert_eq!(found, all as usize);
    }
    test.assert_nothing_in_flight();
}

#[test]
fn an_exposition_that_prometheus_would_refuse_is_refused() {
    let error = Scrape::parse("# HELP a A.\n# TYPE a gauge\na 1\na 2\n").expect_err("twice");
    assert_eq!(
        error.to_string(),
        "the exposition is malformed: a series is written once; the line is `a 2`"
    );
}

#[cfg(feature = "otlp")]
#[test]
fn a_collector_takes_every_signal_over_both_protocols() {
    use sre_kit::telemetry::{Protocol, Sampler, Telemetry};
    use sre_kit::testing::Collector;

    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
        let collector = Collector::start().expect("a port is free");
        let registry = sre_kit::metrics::Registry::new();
        let endpoint = collector.endpoint();
        let telemetry = Telemetry::builder()
            .build_info(&sre_kit::build_info!())
            .sampler(Sampler::always_on())
            .log_writer(std::io::sink)
            .otlp_traces(protocol, endpoint)
            .and_then(|telemetry| telemetry.otlp_logs(protocol, endpoint))
            .and_then(|telemetry| telemetry.otlp_metrics(protocol, endpoint))
            .and_then(sre_kit::telemetry::TelemetryBuilder::build)
            .expect("valid");
        registry.counter("jobs_total", "Jobs.").expect("free").inc();
        telemetry.register(&registry).expect("its own registry");
        tracing::dispatcher::with_default(telemetry.dispatch(), || {
            tracing::info_span!("pay", order = 7)
                .in_scope(|| tracing::warn!(bank = "north", "the bank is slow"));
        });
        let report = telemetry.shutdown_blocking(Duration::from_mins(1));
        assert!(report.is_complete(), "{protocol:?}: {report}");
        collector.assert_spans(["pay"]);
        assert_eq!(collector.spans()[0].attribute("order"), Some("7"));
        let records = collector.records();
        let record = records.iter().find(|record| record.message == "the bank is slow");
        let record = record.unwrap_or_else(|| panic!("{protocol:?}: {records:?}"));
        assert_eq!((&*record.severity, &*record.attributes["bank"]), ("WARN", "north"));
        assert!(collector.metrics().contains("jobs"), "{:?}", collector.metrics());
        assert_eq!(collector.resource()["service.name"], "sre-kit");
        assert!(collector.requests() >= 3, "three signals");

        let text = failure(|| collector.assert_spans(["pay", "ship"]));
        assert!(
            text.contains("to have the spans `pay`, `ship`, but it has the spans `pay`."),
            "{text}"
        );
    }
}

#[cfg(feature = "otlp")]
#[test]
fn a_collector_that_is_unavailable_once_is_asked_again() {
    use sre_kit::telemetry::{Protocol, Sampler, Telemetry};
    use sre_kit::testing::{Answer, Collector};

    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
        let collector = Collector::start().expect("a port is free");
        collector.answer_next([Answer::Unavailable]);
        let telemetry = Telemetry::builder()
            .build_info(&sre_kit::build_info!())
            .sampler(Sampler::always_on())
            .log_writer(std::io::sink)
            .otlp_traces(protocol, collector.endpoint())
            .and_then(sre_kit::telemetry::TelemetryBuilder::build)
            .expect("valid");
        tracing::dispatcher::with_default(telemetry.dispatch(), || {
            drop(tracing::info_span!("pay").entered());
        });
        let report = telemetry.shutdown_blocking(Duration::from_mins(1));
        assert!(report.is_complete(), "an exporter tries again: {protocol:?}: {report}");
        collector.assert_spans(["pay"]);
        assert_eq!(collector.requests(), 2);
    }
}

#[cfg(feature = "otlp")]
#[tokio::test]
async fn a_collector_can_be_dropped_inside_of_a_runtime() {
    let collector = sre_kit::testing::Collector::start().expect("a port is free");
    let address = collector.endpoint().trim_start_matches("http://").to_owned();
    let connected = tokio::net::TcpStream::connect(&*address).await;
    connected.expect("it listens");
    drop(collector);
}
