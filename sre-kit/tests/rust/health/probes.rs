//! The probes as a service, driven in process.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use http::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use sre_kit::health::{Check, CheckResult, Health, HealthBuilder, ProbeBody, ShowDetails};
use sre_kit::metrics::Registry;
use tower::ServiceExt;

use super::{Dial, builder, fail, pass, secs, settle, with};

const SECRET: &str = "postgres://admin:hunter2@10.0.0.7/orders refused";

async fn send(health: &Health, request: Request<()>) -> Response<ProbeBody> {
    let response: Result<_, Infallible> = health.service().oneshot(request).await;
    let Ok(response) = response;
    response
}

async fn body(response: Response<ProbeBody>) -> String {
    let Ok(body) = response.into_body().collect().await;
    String::from_utf8(body.to_bytes().to_vec()).expect("text")
}

async fn get(health: &Health, target: &str) -> (u16, String) {
    let response = send(health, Request::get(target).body(()).expect("valid")).await;
    (response.status().as_u16(), body(response).await)
}

async fn get_json(health: &Health, target: &str) -> (u16, Value) {
    let request = Request::get(target).header(ACCEPT, "application/health+json");
    let response = send(health, request.body(()).expect("valid")).await;
    assert_eq!(response.headers()[CONTENT_TYPE], "application/health+json");
    let status = response.status().as_u16();
    (status, serde_json::from_str(&body(response).await).expect("JSON"))
}

/// A check of each kind.
fn zoo() -> HealthBuilder {
    builder()
        .check(Dial::new(CheckResult::Pass).check("disk").gate_readiness())
        .check(Dial::new(CheckResult::warn(SECRET)).check("replica"))
        .check(Dial::new(CheckResult::fail(SECRET)).check("database").component_type("datastore"))
        .check(Check::new("search", pending::<()>).jitter(0.0))
        .check(
            Check::new("legacy", || async { assert!(SECRET.is_empty(), "{SECRET}") }).jitter(0.0),
        )
}

/// Started, and 3 s after the first run of each check.
async fn running(builder: HealthBuilder) -> Health {
    let health = builder.build(&Registry::new()).expect("valid");
    health.spawn();
    pass(secs(3)).await;
    health
}

async fn assert_answers(health: &Health, answers: [(&str, u16, &str); 3]) {
    for (path, status, text) in answers {
        assert_eq!(get(health, path).await, (status, text.to_owned()), "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_says_ok_or_why_not() {
    let dial = Dial::new(CheckResult::Pass);
    let health = with(dial.check("disk").fall(1).gate_readiness());
    let latch = health.latch("migrations");
    let starting = [
        ("/livez", 200, "ok\n"),
        ("/readyz", 503, "not ready: starting, disk: no result yet\n"),
        (
            "/startupz",
            503,
            "not started: checks are not running, latch migrations is not released\n",
        ),
    ];
    let latched = [
        ("/livez", 200, "ok\n"),
        ("/readyz", 503, "not ready: starting\n"),
        ("/startupz", 503, "not started: latch migrations is not released\n"),
    ];
    let well = [("/livez", 200, "ok\n"), ("/readyz", 200, "ok\n"), ("/startupz", 200, "ok\n")];
    let ill = [
        ("/livez", 200, "ok\n"),
        ("/readyz", 503, "not ready: disk failed\n"),
        ("/startupz", 200, "ok\n"),
    ];
    let draining = [
        ("/livez", 200, "ok\n"),
        ("/readyz", 503, "not ready: draining\n"),
        ("/startupz", 200, "ok\n"),
    ];
    assert_answers(&health, starting).await;
    health.spawn();
    settle().await;
    assert_answers(&health, latched).await;
    latch.release();
    assert_answers(&health, well).await;
    dial.set(fail());
    pass(secs(10)).await;
    assert_answers(&health, ill).await;
    dial.set(CheckResult::Pass);
    pass(secs(20)).await;
    assert_answers(&health, well).await;
    health.set_draining("SIGTERM");
    assert_answers(&health, draining).await;
}

#[tokio::test(start_paused = true)]
async fn verbose_prints_a_line_per_check_in_kubernetes_own_form() {
    let health = running(zoo()).await;
    let (status, text) = get(&health, "/readyz?verbose").await;
    assert_eq!(status, 200);
    assert_eq!(
        text,
        "[+]startup ok\n\
         [+]shutdown ok\n\
         [+]disk ok (age 3s)\n\
         [!]replica degraded: reason withheld (reported only, age 3s)\n\
         [-]database failed: reason withheld (reported only, age 3s)\n\
         [-]search failed: timed out after 2s (reported only, age 1s)\n\
         [-]legacy failed: panicked (reported only, age 3s)\n\
         readyz check passed\n"
    );
    health.set_draining("SIGTERM");
    let (status, text) = get(&health, "/readyz?verbose").await;
    assert_eq!(status, 503);
    assert!(text.contains("[-]shutdown failed: draining\n"), "{text}");
    assert!(text.ends_with("readyz check failed\n"), "{text}");
    assert_eq!(get(&health, "/livez?verbose").await.1, "[+]ping ok\nlivez check passed\n");
}

#[tokio::test(start_paused = true)]
async fn verbose_tells_pending_stale_and_how_far_a_change_is() {
    let dial = Dial::new(CheckResult::Pass);
    let health = with(dial.check("disk").gate_startup());
    assert_eq!(
        get(&health, "/startupz?verbose").await.1,
        "[-]monitor failed: checks are not running\n\
         [-]disk failed: no result yet\n\
         startupz check failed\n"
    );
    let handle = health.spawn();
    settle().await;
    dial.set(fail());
    pass(secs(10)).await;
    assert_eq!(
        get(&health, "/startupz?verbose").await.1,
        "[+]monitor ok\n\
         [+]disk ok (reported only, age 0ns, 1 of 3 failures)\n\
         startupz check passed\n"
    );
    pass(secs(20)).await;
    dial.set(CheckResult::Pass);
    pass(secs(10)).await;
    let (_, text) = get(&health, "/readyz?verbose").await;
    assert!(
        text.contains("[-]disk failed: reason withheld (reported only, age 0ns, 1 of 2 passes)"),
        "{text}"
    );
    handle.abort();
    pass(secs(40)).await;
    let (_, text) = get(&health, "/readyz?verbose").await;
    assert!(text.contains("[-]disk failed: result is stale (reported only, age 40s"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn what_a_check_said_is_shown_to_nobody_unless_the_builder_allows_it() {
    let targets =
        ["/readyz", "/readyz?verbose", "/readyz?verbose=true&x=1", "/readyz/database?verbose"];
    let health = running(zoo()).await;
    health.set_draining("hunter2 was rotated");
    for target in targets {
        let (_, text) = get(&health, target).await;
        let (_, json) = get_json(&health, target).await;
        assert!(!text.contains("hunter2"), "{target}: {text}");
        assert!(!json.to_string().contains("hunter2"), "{target}: {json}");
    }
    assert!(!format!("{health:?} {:?}", health.snapshot().check("database")).contains("hunter2"));

    let open = running(zoo().show_details(ShowDetails::on_verbose())).await;
    open.set_draining("SIGTERM");
    let (_, quiet) = get(&open, "/readyz").await;
    let (_, json) = get_json(&open, "/readyz").await;
    assert!(!quiet.contains("hunter2") && !json.to_string().contains("hunter2"), "not asked for");
    let (_, text) = get(&open, "/readyz?verbose").await;
    for line in [
        format!("[!]replica degraded: {SECRET} ("),
        format!("[-]database failed: {SECRET} ("),
        format!("[-]legacy failed: panicked: {SECRET} ("),
        "[-]shutdown failed: draining: SIGTERM\n".to_owned(),
    ] {
        assert!(text.contains(&line), "{line} in {text}");
    }
    let (_, json) = get_json(&open, "/readyz?verbose").await;
    assert_eq!(json["checks"]["database:responseTime"][0]["output"], SECRET);
}

#[tokio::test(start_paused = true)]
async fn a_rule_may_decide_by_the_request_who_reads_details() {
    let rule = ShowDetails::when(|head| head.headers.contains_key("x-operator"));
    let health = running(zoo().show_details(rule)).await;
    for (operator, target, shown) in [
        (false, "/readyz?verbose", false),
        (true, "/readyz?verbose", true),
        (true, "/readyz", false),
    ] {
        let mut request = Request::get(target);
        if operator {
            request = request.header("x-operator", "1");
        }
        let text = body(send(&health, request.body(()).expect("valid")).await).await;
        assert_eq!(text.contains("hunter2"), shown, "{operator} {target}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_check_said_cannot_pass_for_a_line_of_its_own() {
    let check = Dial::new(CheckResult::fail("x\n[+]y ok\r\nreadyz check passed")).check("disk");
    let health = running(builder().check(check).show_details(ShowDetails::on_verbose())).await;
    let _latch = health.latch("a\nb");
    let (_, text) = get(&health, "/readyz?verbose").await;
    assert_eq!(text.lines().count(), 4, "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_check_can_be_excluded_and_an_unknown_name_is_noted() {
    let failing = || Dial::new(fail());
    let health = running(
        builder()
            .check(failing().check("disk").gate_readiness())
            .check(failing().check("cache").gate_readiness()),
    )
    .await;
    for (target, status, text) in [
        ("/readyz", 503, "not ready: disk failed, cache failed\n"),
        ("/readyz?exclude=disk", 503, "not ready: cache failed\n"),
        ("/readyz?exclude=disk&exclude=cache", 200, "ok\n"),
        (
            "/readyz?exclude=disk&exclude=cache&exclude=dsk",
            200,
            "ok\nwarning: cannot exclude \"dsk\": nothing here has that name\n",
        ),
        (
            "/livez?exclude=disk",
            200,
            "ok\nwarning: cannot exclude \"disk\": nothing here has that name\n",
        ),
        (
            "/readyz?exclude",
            503,
            "not ready: disk failed, cache failed\n\
          warning: cannot exclude \"\": nothing here has that name\n",
        ),
        ("/readyz?other=1", 503, "not ready: disk failed, cache failed\n"),
    ] {
        assert_eq!(get(&health, target).await, (status, text.to_owned()), "{target}");
    }
    let (_, text) = get(&health, "/readyz?exclude=disk&verbose").await;
    assert!(text.contains("[+]disk excluded: ok (age 3s)\n"), "{text}");
    let (status, json) = get_json(&health, "/readyz?exclude=disk&exclude=cache&exclude=no").await;
    assert_eq!((status, &json["status"]), (200, &json!("pass")));
    assert_eq!(json["notes"], json!(["cannot exclude \"no\": nothing here has that name"]));
    assert_eq!(json["checks"]["disk:responseTime"][0]["excluded"], true);

    health.set_draining("SIGTERM");
    let (status, _) = get(&health, "/readyz?exclude=disk&exclude=cache&exclude=shutdown").await;
    assert_eq!(status, 503, "a drain cannot be left out");
}

#[tokio::test(start_paused = true)]
async fn a_long_list_of_unknown_names_does_not_make_a_long_answer() {
    let health = running(builder()).await;
    let query = "exclude=0123456789&".repeat(3_000);
    let (status, text) = get(&health, &format!("/readyz?{query}")).await;
    assert_eq!(status, 200);
    assert!(text.len() < 1_000, "{}", text.len());
    assert!(text.ends_with("warning: and 2992 more names that nothing here has\n"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn one_check_is_asked_for_by_its_path() {
    let health = running(zoo()).await;
    for (target, status, text) in [
        ("/readyz/disk", 200, "ok\n"),
        ("/readyz/disk/", 200, "ok\n"),
        ("/readyz/replica", 200, "ok\n"),
        ("/readyz/database", 503, "not ok: database failed\n"),
        ("/readyz/search", 503, "not ok: search: timed out after 2s\n"),
        ("/readyz/legacy", 503, "not ok: legacy: panicked\n"),
        (
            "/readyz/database?verbose",
            503,
            "[-]database failed: reason withheld (age 3s)\ndatabase check failed\n",
        ),
        ("/readyz/nothing", 404, "no check has that name\n"),
        ("/readyz/disk/more", 404, "no check has that name\n"),
        ("/livez/disk", 404, "there are /livez, /readyz and /startupz\n"),
    ] {
        assert_eq!(get(&health, target).await, (status, text.to_owned()), "{target}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stopped_heartbeat_is_named() {
    let health = running(builder()).await;
    let _heart = health.heartbeat("consumer", secs(30)).expect("valid");
    assert_eq!(
        get(&health, "/livez?verbose").await.1,
        "[+]ping ok\n[+]heartbeat/consumer ok\nlivez check passed\n"
    );
    pass(secs(31)).await;
    assert_eq!(
        get(&health, "/livez").await,
        (503, "not live: heartbeat/consumer: last beat 31s ago\n".to_owned())
    );
    assert_eq!(get(&health, "/livez?exclude=consumer").await, (200, "ok\n".to_owned()));
    assert_eq!(get(&health, "/readyz").await.0, 200, "another question");
    health.set_draining("SIGTERM");
    assert_eq!(get(&health, "/livez").await, (200, "ok\n".to_owned()));
    assert_eq!(get(&health, "/livez?verbose").await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn health_json_has_the_fields_of_the_draft() {
    let identity = zoo()
        .service_id("checkout")
        .version("1")
        .release_id("1.4.2-3f2a")
        .description("takes orders");
    let health = running(identity).await;
    let (status, mut json) = get_json(&health, "/readyz").await;
    assert_eq!(status, 200);
    for check in json["checks"].as_object_mut().expect("an object").values_mut() {
        if let Some(time) = check[0].get_mut("time") {
            let text = time.as_str().expect("text");
            assert!(text.len() == 24 && text.ends_with('Z'), "{text}");
            *time = json!("T");
        }
    }
    assert_eq!(
        json,
        json!({
            "status": "warn",
            "version": "1",
            "releaseId": "1.4.2-3f2a",
            "serviceId": "checkout",
            "description": "takes orders",
            "checks": {
                "startup": [{"status": "pass"}],
                "shutdown": [{"status": "pass"}],
                "disk:responseTime": [{
                    "status": "pass", "gate": "readiness", "time": "T",
                    "observedValue": 0.0, "observedUnit": "ms",
                }],
                "replica:responseTime": [{
                    "status": "warn", "gate": "report", "time": "T",
                    "observedValue": 0.0, "observedUnit": "ms", "output": "reason withheld",
                }],
                "database:responseTime": [{
                    "status": "fail", "gate": "report", "time": "T", "componentType": "datastore",
                    "observedValue": 0.0, "observedUnit": "ms", "output": "reason withheld",
                }],
                "search:responseTime": [{
                    "status": "fail", "gate": "report", "time": "T",
                    "observedValue": 2000.0, "observedUnit": "ms", "output": "timed out after 2s",
                }],
                "legacy:responseTime": [{
                    "status": "fail", "gate": "report", "time": "T",
                    "observedValue": 0.0, "observedUnit": "ms", "output": "panicked",
                }],
            },
        })
    );
    health.set_draining("SIGTERM");
    let (status, json) = get_json(&health, "/readyz").await;
    assert_eq!((status, &json["status"]), (503, &json!("fail")));
    assert_eq!(json["output"], "not ready: draining");
    let (status, json) = get_json(&health, "/livez").await;
    assert_eq!((status, &json["status"]), (200, &json!("pass")));
    let (status, json) = get_json(&health, "/readyz/database").await;
    assert_eq!((status, &json["status"]), (503, &json!("fail")));
}

#[tokio::test(start_paused = true)]
async fn a_probe_only_reads() {
    let health = running(zoo()).await;
    let before = get(&health, "/readyz?verbose").await;
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW"] {
        for target in ["/livez", "/readyz", "/startupz", "/readyz/disk", "/readyz?exclude=disk"] {
            let request = Request::builder().method(method).uri(target).body(()).expect("valid");
            let response = send(&health, request).await;
            assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{method} {target}");
            assert_eq!(response.headers()[ALLOW], "GET, HEAD");
            assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
        }
    }
    assert_eq!(get(&health, "/readyz?verbose").await, before);
}

#[tokio::test(start_paused = true)]
async fn head_is_get_without_its_body_and_no_answer_may_be_kept() {
    let health = running(zoo()).await;
    health.set_draining("SIGTERM");
    for target in ["/livez", "/readyz", "/startupz", "/readyz?verbose", "/readyz/x", "/other"] {
        for accept in ["*/*", "application/health+json", "application/json"] {
            let request = |method: Method| {
                Request::builder().method(method).uri(target).header(ACCEPT, accept).body(())
            };
            let get = send(&health, request(Method::GET).expect("valid")).await;
            let head = send(&health, request(Method::HEAD).expect("valid")).await;
            assert_eq!(get.status(), head.status());
            for name in [CONTENT_TYPE, CACHE_CONTROL] {
                assert_eq!(get.headers()[&name], head.headers()[&name], "{target}");
            }
            assert_eq!(get.headers()[CACHE_CONTROL], "no-store");
            let length: usize =
                head.headers()[CONTENT_LENGTH].to_str().expect("text").parse().expect("a number");
            assert_eq!(body(head).await, "");
            assert_eq!(length, body(get).await.len(), "{target} {accept}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn other_paths_are_not_found() {
    let health = running(zoo()).await;
    for path in ["/", "/healthz", "/LIVEZ", "/livez2", "//livez", "/readyz//", "/%6civez", "*"] {
        assert_eq!(get(&health, path).await.0, 404, "{path}");
    }
    for path in ["/livez/", "/readyz/", "/startupz/"] {
        assert_eq!(get(&health, path).await.0, 200, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_probes_do_not_run_a_check_once() {
    let dial = Dial::new(fail());
    let health = running(builder().check(dial.check("db").gate_readiness())).await;
    let runs = dial.runs();
    for i in 0..10_000 {
        let target = match i % 6 {
            0 => "/livez",
            1 => "/readyz",
            2 => "/startupz",
            3 => "/readyz?verbose",
            4 => "/readyz/db",
            _ => "/readyz?exclude=db",
        };
        get(&health, target).await;
    }
    assert_eq!(dial.runs(), runs);
}

#[tokio::test(start_paused = true)]
async fn the_short_way_and_the_long_way_agree() {
    let dial = Dial::new(CheckResult::Pass);
    let health = with(dial.check("a").gate_readiness());
    let other = health.heartbeat("consumer", Duration::from_secs(45)).expect("valid");
    let latch = health.latch("l");
    let handle = health.spawn();
    let mut seen = std::collections::HashSet::new();
    let mut latch = Some(latch);
    for step in 0..60 {
        match step {
            5 => latch.take().into_iter().for_each(sre_kit::health::Latch::release),
            10 => dial.set(fail()),
            20 => dial.set(CheckResult::warn("w")),
            30 => handle.abort(),
            45 => other.beat(),
            50 => health.set_draining("SIGTERM"),
            _ => {}
        }
        pass(secs(5)).await;
        for path in ["/livez", "/readyz", "/startupz"] {
            let short = get(&health, path).await.0;
            // An unknown parameter takes the long way.
            let long = get(&health, &format!("{path}?x")).await.0;
            assert_eq!(short, long, "{path} at step {step}");
            seen.insert((path, short));
        }
    }
    assert_eq!(seen.len(), 6, "each probe was seen both ways: {seen:?}");
}
