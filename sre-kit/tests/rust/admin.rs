//! The admin listener over real sockets, HTTP/1 and HTTP/2.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, ALLOW, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use sre_kit::admin::{Admin, AdminBody, AdminBuilder, Page, RunningAdmin};
use sre_kit::health::Health;
use sre_kit::metrics::{BuildInfo, Exposition, Registry};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tower::ServiceExt;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Http1,
    Http2,
}

const BOTH: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];

/// A minute is longer than any of this takes; an answer that never comes is a failure.
const PATIENCE: Duration = Duration::from_mins(1);

fn builder() -> AdminBuilder {
    Admin::builder().listen("127.0.0.1:0")
}

async fn start(registry: &Registry, builder: AdminBuilder) -> RunningAdmin {
    builder.build(registry).expect("valid").start().await.expect("a port is free")
}

fn address_of(admin: &RunningAdmin) -> SocketAddr {
    admin.local_addr().expect("TCP")
}

async fn ask(
    address: SocketAddr,
    protocol: Protocol,
    mut request: Request<Full<Bytes>>,
) -> Response<Bytes> {
    let io = TokioIo::new(TcpStream::connect(address).await.expect("it listens"));
    let response = match protocol {
        Protocol::Http1 => {
            let host = address.to_string().parse().expect("valid");
            request.headers_mut().entry("host").or_insert(host);
            let (mut sender, conn) =
                hyper::client::conn::http1::handshake(io).await.expect("connected");
            tokio::spawn(conn);
            sender.send_request(request).await
        }
        Protocol::Http2 => {
            let target = request.uri().path_and_query().expect("a path").as_str().to_owned();
            *request.uri_mut() = format!("http://{address}{target}").parse().expect("valid");
            let (mut sender, conn) =
                hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
                    .await
                    .expect("connected");
            tokio::spawn(conn);
            sender.send_request(request).await
        }
    };
    let (head, body) = response.expect("an answer").into_parts();
    let body = body.collect().await.expect("a whole body").to_bytes();
    Response::from_parts(head, body)
}

fn request(method: Method, target: &str) -> Request<Full<Bytes>> {
    Request::builder().method(method).uri(target).body(Full::default()).expect("valid")
}

async fn get(address: SocketAddr, protocol: Protocol, target: &str) -> Response<Bytes> {
    ask(address, protocol, request(Method::GET, target)).await
}

fn text(response: &Response<Bytes>) -> &str {
    std::str::from_utf8(response.body()).expect("text")
}

#[tokio::test]
async fn every_page_of_its_own_is_there() {
    let registry = Registry::new();
    registry.counter("jobs_total", "Jobs.").expect("valid").inc();
    let build = BuildInfo::new("shop", "1.2.3").with_revision("abc").with_rustc("1.95.0");
    let admin = start(&registry, builder().build_info(build)).await;
    for protocol in BOTH {
        let address = address_of(&admin);
        for path in ["/livez", "/readyz", "/startupz", "/readyz/"] {
            let response = get(address, protocol, path).await;
            assert_eq!((response.status(), text(&response)), (StatusCode::OK, "ok\n"), "{path}");
            assert_eq!(response.headers()["cache-control"], "no-store");
            assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        }
        let metrics = get(address, protocol, "/metrics").await;
        let labels = r#"service="shop",version="1.2.3",revision="abc",rustc="1.95.0""#;
        for line in ["\njobs_total 1\n".to_owned(), format!("\nbuild_info{{{labels}}} 1.0\n")] {
            assert!(text(&metrics).contains(&line), "{line} in\n{}", text(&metrics));
        }

        let version = get(address, protocol, "/version").await;
        assert_eq!(text(&version), "service: shop\nversion: 1.2.3\nrevision: abc\nrustc: 1.95.0\n");
        let mut json = request(Method::GET, "/version");
        json.headers_mut().insert(ACCEPT, "application/json".parse().expect("valid"));
        let version = ask(address, protocol, json).await;
        assert_eq!(version.headers()[CONTENT_TYPE], "application/json");
        assert!(text(&version).contains("\"version\":\"1.2.3\""), "{}", text(&version));

        let list = get(address, protocol, "/").await;
        assert!(text(&list).contains("/metrics"), "{}", text(&list));
    }
}

#[tokio::test]
async fn head_is_get_without_a_body_on_both_protocols() {
    let admin = start(&Registry::new(), builder()).await;
    for protocol in BOTH {
        for path in ["/livez", "/metrics", "/", "/nowhere"] {
            let head = ask(address_of(&admin), protocol, request(Method::HEAD, path)).await;
            let get = get(address_of(&admin), protocol, path).await;
            assert_eq!(head.status(), get.status(), "{protocol:?} {path}");
            assert!(head.body().is_empty());
            let length = head.headers()[CONTENT_LENGTH].to_str().expect("digits").parse::<usize>();
            // A scrape shows how long the ones before it took, in more or fewer digits.
            let digits = if path == "/metrics" { 50 } else { 0 };
            assert!(length.expect("a number").abs_diff(get.body().len()) <= digits, "{path}");
        }
    }
}

#[tokio::test]
async fn a_path_that_no_page_has_is_answered_with_those_that_exist() {
    let page = Page::get("/queues/{name}", "One queue.", |request| {
        let path = request.uri().path().to_owned();
        async move { Response::new(AdminBody::from(path)) }
    });
    let admin = start(&Registry::new(), builder().page(page)).await;
    for protocol in BOTH {
        let response = get(address_of(&admin), protocol, "/metric").await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        for path in ["/metrics", "/livez", "/readyz", "/startupz", "/queues/{name}"] {
            assert!(text(&response).contains(path), "{}", text(&response));
        }
        let response = get(address_of(&admin), protocol, "/queues/mail").await;
        assert_eq!(text(&response), "/queues/mail");
        let response = get(address_of(&admin), protocol, "/queues/mail/1").await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_method_that_a_page_does_not_know_is_answered_with_those_it_does() {
    let drain = Page::post("/drain", "Drains.", |_| async { Response::new(AdminBody::empty()) });
    let admin = start(&Registry::new(), builder().page(drain)).await;
    for protocol in BOTH {
        for (method, path, allow) in [
            (Method::POST, "/metrics", "GET, HEAD, OPTIONS"),
            (Method::DELETE, "/livez", "GET, HEAD, OPTIONS"),
            (Method::GET, "/drain", "POST, OPTIONS"),
        ] {
            let response = ask(address_of(&admin), protocol, request(method, path)).await;
            assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
            assert_eq!(response.headers()[ALLOW], allow, "{path}");
        }
        let options = request(Method::OPTIONS, "/drain");
        let response = ask(address_of(&admin), protocol, options).await;
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
        assert_eq!(response.headers()[ALLOW], "POST, OPTIONS");
    }
}

#[tokio::test]
async fn what_is_too_large_is_refused_and_the_next_request_is_not() {
    let echo = Page::post("/echo", "Says how much came.", |request| async move {
        let Ok(body) = request.into_body().collect().await;
        Response::new(AdminBody::from(body.to_bytes().len().to_string()))
    });
    let admin = start(&Registry::new(), builder().page(echo)).await;
    let address = address_of(&admin);
    for protocol in BOTH {
        let long = format!("/livez?{}", "x".repeat(9_000));
        let response = get(address, protocol, &long).await;
        assert_eq!(response.status(), StatusCode::URI_TOO_LONG, "{protocol:?}");

        let mut large = request(Method::GET, "/livez");
        for i in 0..3 {
            let name: http::HeaderName = format!("x-{i}").parse().expect("valid");
            large.headers_mut().insert(name, "x".repeat(7_000).parse().expect("valid"));
        }
        let response = ask(address, protocol, large).await;
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        assert_eq!(response.status(), status, "{protocol:?}");

        for (size, status) in
            [(64 * 1024, StatusCode::OK), (64 * 1024 + 1, StatusCode::PAYLOAD_TOO_LARGE)]
        {
            let mut post = request(Method::POST, "/echo");
            *post.body_mut() = Full::from(vec![b'x'; size]);
            let response = ask(address, protocol, post).await;
            assert_eq!(response.status(), status, "{protocol:?} {size}");
        }
        assert_eq!(get(address, protocol, "/livez").await.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn a_body_of_unknown_size_is_read_no_further_than_the_limit() {
    let echo = Page::post("/echo", "Reads.", |_| async { Response::new(AdminBody::empty()) });
    let admin = start(&Registry::new(), builder().page(echo)).await;
    let mut stream = TcpStream::connect(address_of(&admin)).await.expect("it listens");
    let head = "POST /echo HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("written");
    let chunk = format!("{:x}\r\n{}\r\n", 80_000, "x".repeat(80_000));
    // The answer may come, and the connection close, before all of it is sent.
    let _ = stream.write_all(chunk.as_bytes()).await;
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.expect("an answer");
    assert_eq!(answer, b"HTTP/1.1 413");
}

#[tokio::test]
async fn only_this_machine_may_change_something() {
    let drained = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&drained);
    let drain = Page::post("/drain", "Drains.", move |_| {
        flag.store(true, Ordering::Relaxed);
        async { Response::new(AdminBody::from("draining\n")) }
    });
    let admin = start(&Registry::new(), builder().page(drain.clone())).await;
    for protocol in BOTH {
        for (name, value) in [
            ("x-forwarded-for", "203.0.113.9"),
            ("forwarded", "for=203.0.113.9"),
            ("origin", "https://evil.example"),
        ] {
            let mut post = request(Method::POST, "/drain");
            post.headers_mut().insert(name, value.parse().expect("valid"));
            let response = ask(address_of(&admin), protocol, post).await;
            assert_eq!(response.status(), StatusCode::FORBIDDEN, "{name}");
        }
        assert!(!drained.load(Ordering::Relaxed));
        let response = ask(address_of(&admin), protocol, request(Method::POST, "/drain")).await;
        assert_eq!(response.status(), StatusCode::OK, "{}", text(&response));
        assert!(drained.swap(false, Ordering::Relaxed));
    }
    // On a router that does not say who asks, nobody may.
    let service = builder().page(drain).build(&Registry::new()).expect("valid").service();
    let mut post = request(Method::POST, "/drain");
    post.headers_mut().insert("host", "localhost".parse().expect("valid"));
    let Ok(response) = service.oneshot(post).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_page_that_panics_is_an_answer_and_no_more() {
    let broken = Page::get("/broken", "Breaks.", |request| async move {
        assert!(request.uri().query().is_some(), "on purpose");
        Response::new(AdminBody::empty())
    });
    let admin = start(&Registry::new(), builder().page(broken)).await;
    for protocol in BOTH {
        let response = get(address_of(&admin), protocol, "/broken").await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(get(address_of(&admin), protocol, "/broken?no").await.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn a_function_answers_readiness_where_there_are_no_checks() {
    let ready = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&ready);
    let admin = builder().ready_when(move || flag.load(Ordering::Relaxed));
    let admin = start(&Registry::new(), admin).await;
    for protocol in BOTH {
        ready.store(false, Ordering::Relaxed);
        let response = get(address_of(&admin), protocol, "/readyz").await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(text(&response), "not ready\n");
        assert_eq!(get(address_of(&admin), protocol, "/livez").await.status(), StatusCode::OK);
        ready.store(true, Ordering::Relaxed);
        assert_eq!(get(address_of(&admin), protocol, "/readyz").await.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn health_answers_the_probes_and_their_details() {
    let registry = Registry::new();
    let health = Health::builder().build(&registry).expect("valid");
    let latch = health.latch("migrations");
    let admin = start(&registry, builder().health(&health)).await;
    for protocol in BOTH {
        let response = get(address_of(&admin), protocol, "/readyz").await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "{}", text(&response));
        let response = get(address_of(&admin), protocol, "/livez?verbose").await;
        assert_eq!(response.status(), StatusCode::OK);
        let response = get(address_of(&admin), protocol, "/readyz/nothing").await;
        assert_eq!(text(&response), "no check has that name\n");
    }
    drop(latch);
}

#[tokio::test]
async fn scrapes_past_their_cap_are_refused_while_probes_are_answered() {
    let registry = Registry::new();
    let exposition = Exposition::builder().max_concurrent(1).build(&registry).expect("valid");
    // The collector of the first scrape waits, so that its place is taken for as long as it must be.
    let (open, gate) = std::sync::mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    registry
        .gauge_fn("waits", "Waits for the test.", &[], move |_| {
            let _ = gate.lock().expect("no panic").recv();
        })
        .expect("valid");
    let held = tokio::spawn(exposition.respond(&Method::GET, &http::HeaderMap::new()));
    let admin = start(&registry, builder().exposition(exposition)).await;
    for protocol in BOTH {
        let response = get(address_of(&admin), protocol, "/metrics").await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[RETRY_AFTER], "1");
        assert_eq!(get(address_of(&admin), protocol, "/livez").await.status(), StatusCode::OK);
    }
    drop(open);
    drop(held.await.expect("no panic"));
    for protocol in BOTH {
        // Each gives its place back, or the second would be refused.
        assert_eq!(get(address_of(&admin), protocol, "/metrics").await.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn scrapers_that_do_not_read_make_room_for_the_next_scrape() {
    // Far more than the buffers of both sockets and of the connection hold.
    const SERIES: usize = 20_000;
    let registry = Registry::builder().max_series_per_family(SERIES).build().expect("valid");
    let family = registry.counter_family("jobs_total", "Jobs.", &["kind"]).expect("valid");
    let padding = "x".repeat(500);
    for kind in 0..SERIES {
        family.with(&[&format!("{padding}{kind}")]);
    }
    let admin = start(&registry, builder()).await;
    let address = address_of(&admin);
    let mut unread = Vec::new();
    for _ in 0..4 {
        let mut socket = TcpStream::connect(address).await.expect("it listens");
        let head = format!("GET /metrics HTTP/1.1\r\nhost: {address}\r\n\r\n");
        socket.write_all(head.as_bytes()).await.expect("open");
        let mut start = [0; 12];
        socket.read_exact(&mut start).await.expect("an answer");
        assert_eq!(&start, b"HTTP/1.1 200");
        unread.push(socket);
    }
    let scraped = async {
        loop {
            let response = get(address, Protocol::Http1, "/metrics").await;
            if response.status() == StatusCode::OK {
                break response;
            }
            assert_eq!(response.headers()[RETRY_AFTER], "1");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    // Without making room it would take the 10 s after which the listener cuts a client that takes
    // nothing.
    let response = tokio::time::timeout(Duration::from_secs(8), scraped).await;
    let response = response.expect("a scrape got a place");
    assert!(text(&response).len() > SERIES * padding.len());
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_arrive_in_time_ends_its_connection() {
    let admin = start(&Registry::new(), builder()).await;
    let mut stream = TcpStream::connect(address_of(&admin)).await.expect("it listens");
    stream.write_all(b"GET /livez HTTP/1.1\r\nhost: local").await.expect("written");
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    read.expect("it is closed").expect("and not reset");
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[tokio::test]
async fn connections_that_wait_for_their_clients_make_room_for_probes() {
    let admin = start(&Registry::new(), builder().max_connections(4)).await;
    let mut idle = Vec::new();
    for _ in 0..12 {
        let mut client = TcpStream::connect(address_of(&admin)).await.expect("it listens");
        client.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n").await.expect("open");
        let mut answer = [0; 12];
        let read = tokio::time::timeout(PATIENCE, client.read_exact(&mut answer)).await;
        read.expect("its turn").expect("an answer");
        assert_eq!(&answer, b"HTTP/1.1 200");
        idle.push(client);
    }
    assert!(admin.open_connections() <= 4);
}

#[tokio::test]
async fn stopping_lets_a_scrape_finish_and_closes_the_port() {
    let (enter, entered) = tokio::sync::oneshot::channel();
    let (leave, left) = tokio::sync::oneshot::channel::<()>();
    let parts = std::sync::Mutex::new(Some((enter, left)));
    let slow = Page::get("/slow", "Waits.", move |_| {
        let (enter, left) = parts.lock().expect("no panic").take().expect("asked once");
        async move {
            let _ = enter.send(());
            let _ = left.await;
            Response::new(AdminBody::from("done\n"))
        }
    });
    let admin = start(&Registry::new(), builder().page(slow)).await;
    let address = address_of(&admin);
    let asking = tokio::spawn(async move { get(address, Protocol::Http1, "/slow").await });
    entered.await.expect("the page is asked");
    let stopping = tokio::spawn(admin.shutdown(PATIENCE));
    let _ = leave.send(());
    assert_eq!(text(&asking.await.expect("no panic")), "done\n");
    assert!(stopping.await.expect("no panic").is_empty());
    TcpStream::connect(address).await.expect_err("nobody listens");
}

#[tokio::test]
async fn an_address_in_use_is_named_with_what_to_do() {
    let registry = Registry::new();
    let first = start(&registry, builder()).await;
    let address = address_of(&first);
    let second = Admin::builder().listen(address).build(&registry).expect("valid");
    let err = second.start().await.expect_err("in use");
    assert_eq!((err.field(), err.value()), ("admin.listen", &*address.to_string()));
    assert!(err.to_string().contains("something listens there already"), "{err}");
    let elsewhere = Admin::builder().listen("203.0.113.1:0").build(&registry).expect("valid");
    let err = elsewhere.start().await.expect_err("not ours");
    assert!(err.rule().contains("not one of this machine's"), "{err}");
}

#[test]
fn bad_settings_are_refused_by_name() {
    let registry = Registry::new();
    let page = |path: &'static str| {
        Page::get(path, "A page.", |_| async { Response::new(AdminBody::empty()) })
    };
    for (builder, field, part) in [
        (Admin::builder().listen("localhost"), "admin.listen", "a colon and a port"),
        (Admin::builder().max_connections(0), "admin.max_connections", "no client"),
        (Admin::builder().page(page("/metrics")), "admin.page", "another page"),
        (Admin::builder().page(page("queues")), "admin.page", "begins with a slash"),
        (Admin::builder().page(page("/{a}{b}")), "admin.page", ""),
        (Admin::builder().build_info(BuildInfo::new("", "1")), "build_info.service", "not empty"),
    ] {
        let err = builder.build(&Registry::new()).expect_err(field);
        assert_eq!(err.field(), field, "{err}");
        assert!(err.rule().contains(part), "{err}");
    }
    let health = Health::builder().build(&registry).expect("valid");
    let err = Admin::builder().health(&health).ready_when(|| true).build(&registry);
    assert_eq!(err.expect_err("two answers").field(), "admin.ready_when");
}

#[tokio::test]
async fn two_listeners_show_two_registries() {
    let (one, two) = (Registry::new(), Registry::new());
    one.counter("jobs_total", "Jobs.").expect("valid").inc();
    let (one, two) = (start(&one, builder()).await, start(&two, builder()).await);
    for protocol in BOTH {
        let of = async |admin: &RunningAdmin| {
            let response = get(address_of(admin), protocol, "/metrics").await;
            text(&response).contains("\njobs_total 1\n")
        };
        assert_eq!((of(&one).await, of(&two).await), (true, false));
    }
}

/// A request that changes something, made as by `curl -d`.
#[cfg(feature = "telemetry")]
fn change(target: &str, body: &'static str) -> Request<Full<Bytes>> {
    Request::post(target).body(Full::new(Bytes::from_static(body.as_bytes()))).expect("valid")
}

#[cfg(feature = "telemetry")]
#[tokio::test]
async fn the_log_level_is_changed_from_this_machine_only() {
    let telemetry = sre_kit::telemetry::Telemetry::builder().build().expect("valid");
    let level = telemetry.log_level().clone();
    let admin = start(&Registry::new(), builder().log_level(&level)).await;
    let address = address_of(&admin);
    for protocol in BOTH {
        level.set("info").expect("valid");
        let read = get(address, protocol, "/loglevel").await;
        assert_eq!((read.status(), &**read.body()), (StatusCode::OK, &b"info\n"[..]));

        let changed = ask(address, protocol, change("/loglevel", "warn,shop=debug\n")).await;
        assert_eq!(changed.body(), "warn,shop=debug\n");
        assert_eq!(level.get(), "warn,shop=debug");

        for nonsense in ["", "a=b=c"] {
            let refused = ask(address, protocol, change("/loglevel", nonsense)).await;
            assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{nonsense:?}");
        }
        let mut forwarded = change("/loglevel", "trace");
        forwarded.headers_mut().insert("x-forwarded-for", "10.1.2.3".parse().expect("valid"));
        let refused = ask(address, protocol, forwarded).await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN);
        assert_eq!(level.get(), "warn,shop=debug", "what was refused changed nothing");
    }
}
