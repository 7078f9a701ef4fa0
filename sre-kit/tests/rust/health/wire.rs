//! The probes on real sockets, over HTTP/1 and HTTP/2.

use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use http::{Request, Response, Version};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use sre_kit::health::{Check, CheckResult, Health};
use sre_kit::metrics::Registry;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::{Dial, builder};

/// Serves `health` on a port that the kernel picks, until the returned set is dropped.
async fn serve(health: &Health) -> (SocketAddr, JoinSet<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let addr = listener.local_addr().expect("bound");
    let service = TowerToHyperService::new(health.service());
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let service = service.clone();
            connections.spawn(async move {
                let server = auto::Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    (addr, tasks)
}

enum Client {
    H1(http1::SendRequest<Empty<Bytes>>),
    H2(http2::SendRequest<Empty<Bytes>>),
}

impl Client {
    async fn connect(addr: SocketAddr, version: Version, tasks: &mut JoinSet<()>) -> Self {
        let io = TokioIo::new(TcpStream::connect(addr).await.expect("listening"));
        if version == Version::HTTP_2 {
            let (sender, connection) =
                http2::handshake(TokioExecutor::new(), io).await.expect("HTTP/2");
            tasks.spawn(async move { drop(connection.await) });
            Self::H2(sender)
        } else {
            let (sender, connection) = http1::handshake(io).await.expect("HTTP/1");
            tasks.spawn(async move { drop(connection.await) });
            Self::H1(sender)
        }
    }

    async fn send(&mut self, method: &str, target: &str, accept: &str) -> Response<Incoming> {
        let request = Request::builder()
            .method(method)
            .uri(match self {
                Self::H1(_) => target.to_owned(),
                Self::H2(_) => format!("http://localhost{target}"),
            })
            .header("host", "localhost")
            .header("accept", accept)
            .body(Empty::new())
            .expect("valid");
        match self {
            Self::H1(sender) => {
                sender.ready().await.expect("open");
                sender.send_request(request).await.expect("an answer")
            }
            Self::H2(sender) => {
                sender.ready().await.expect("open");
                sender.send_request(request).await.expect("an answer")
            }
        }
    }
}

#[tokio::test]
async fn every_probe_answers_the_same_over_both_versions() {
    let health = builder()
        .check(Dial::new(CheckResult::Pass).check("disk").gate_readiness().gate_startup())
        .check(Check::new("cache", || async { Err::<(), _>("10.0.0.7 refused") }))
        .build(&Registry::new())
        .expect("valid");
    let running = health.spawn();
    health.wait_ready().await;
    let (addr, mut tasks) = serve(&health).await;
    let text = "text/plain; charset=utf-8";
    let json = "application/health+json";
    let table = [
        ("GET", "/livez", "*/*", 200, text, "ok\n"),
        ("GET", "/readyz", "*/*", 200, text, "ok\n"),
        ("GET", "/startupz", "*/*", 200, text, "ok\n"),
        ("GET", "/readyz/disk", "*/*", 200, text, "ok\n"),
        ("GET", "/readyz/none", "*/*", 404, text, "no check has that name\n"),
        ("GET", "/livez?verbose", "*/*", 200, text, "[+]ping ok\nlivez check passed\n"),
        ("GET", "/", "*/*", 404, text, "there are /livez, /readyz and /startupz\n"),
        ("POST", "/readyz", "*/*", 405, text, "a probe only reads\n"),
        ("HEAD", "/readyz", "*/*", 200, text, ""),
        (
            "GET",
            "/livez",
            json,
            200,
            json,
            r#"{"status":"pass","checks":{"ping":[{"status":"pass"}]}}"#,
        ),
        (
            "GET",
            "/livez",
            "application/json;q=0.9,text/plain;q=0.8",
            200,
            "application/json",
            r#"{"status":"pass","checks":{"ping":[{"status":"pass"}]}}"#,
        ),
        ("HEAD", "/livez", json, 200, json, ""),
    ];
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let mut client = Client::connect(addr, version, &mut tasks).await;
        for (method, target, accept, status, content_type, expected) in table {
            let response = client.send(method, target, accept).await;
            let case = format!("{version:?} {method} {target} {accept}");
            assert_eq!(response.version(), version, "{case}");
            assert_eq!(response.status(), status, "{case}");
            assert_eq!(response.headers()[CONTENT_TYPE], content_type, "{case}");
            assert_eq!(response.headers()[CACHE_CONTROL], "no-store", "{case}");
            assert_ne!(response.headers()[CONTENT_LENGTH], "0", "{case}");
            let body = response.into_body().collect().await.expect("a body").to_bytes();
            assert_eq!(body, expected, "{case}");
        }
    }
    health.set_draining("SIGTERM");
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let mut client = Client::connect(addr, version, &mut tasks).await;
        for (target, status, expected) in
            [("/readyz", 503, "not ready: draining\n"), ("/livez", 200, "ok\n")]
        {
            let response = client.send("GET", target, "*/*").await;
            assert_eq!(response.status(), status, "{version:?} {target}");
            let body = response.into_body().collect().await.expect("a body").to_bytes();
            assert_eq!(body, expected, "{version:?} {target}");
        }
    }
    running.abort();
}
