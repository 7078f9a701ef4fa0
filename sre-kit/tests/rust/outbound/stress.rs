//! Many calls of all kinds at once: each ends once, in its outcome.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use h2::{Reason, server};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use sre_kit::metrics::{Registry, TextFormat};
use sre_kit::outbound::{CallOutcome, Outbound, Peer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt};

use super::{Pooled, listen};

/// How many calls of each kind are made.
const ROUNDS: usize = 150;
/// How many calls are in flight at most.
const AT_ONCE: usize = 64;

/// The kinds of calls over HTTP/1, by path.
const HTTP1: [(&str, CallOutcome); 13] = [
    ("/ok", CallOutcome::Ok),
    ("/chunked", CallOutcome::Ok),
    ("/empty", CallOutcome::Ok),
    ("/404", CallOutcome::ClientError),
    ("/500", CallOutcome::Error),
    ("/short", CallOutcome::Error),
    ("/no-last-chunk", CallOutcome::Error),
    ("/bad-chunk", CallOutcome::Error),
    ("/not-http", CallOutcome::NoResponse),
    ("/closed", CallOutcome::NoResponse),
    ("/stall", CallOutcome::Timeout),
    ("/dropped-before-head", CallOutcome::Canceled),
    ("/dropped-in-body", CallOutcome::Canceled),
];

/// The kinds of calls over HTTP/2, by path.
const HTTP2: [(&str, CallOutcome); 10] = [
    ("/ok", CallOutcome::Ok),
    ("/500", CallOutcome::Error),
    ("/refused", CallOutcome::NoResponse),
    ("/reset", CallOutcome::NoResponse),
    ("/grpc/0", CallOutcome::Ok),
    ("/grpc/14", CallOutcome::Error),
    ("/grpc/5", CallOutcome::ClientError),
    ("/grpc/4", CallOutcome::Timeout),
    ("/stall", CallOutcome::Timeout),
    ("/dropped-before-head", CallOutcome::Canceled),
];

async fn serve_http1(mut stream: TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        head.push(byte);
    }
    let head = String::from_utf8(head).expect("text");
    let answer = match head.split(' ').nth(1).expect("a path") {
        "/ok" => "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
        "/chunked" => "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "/empty" => "HTTP/1.1 204 No Content\r\n\r\n",
        "/404" => "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
        "/500" => "HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n",
        "/short" => "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok",
        "/no-last-chunk" => "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n",
        "/bad-chunk" => "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nok",
        "/not-http" => "SSH-2.0-OpenSSH_9.9\r\n",
        "/closed" => "",
        "/dropped-in-body" => {
            let begin = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok";
            let _ = stream.write_all(begin).await;
            let _ = stream.read_u8().await;
            return;
        }
        _ => {
            // Until the client leaves.
            let _ = stream.read_u8().await;
            return;
        }
    };
    let _ = stream.write_all(answer.as_bytes()).await;
}

async fn serve_http2(stream: TcpStream) {
    let Ok(mut connection) = server::handshake(stream).await else { return };
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        let path = request.uri().path().to_owned();
        let status = if path == "/500" { 500 } else { 200 };
        let mut response = Response::builder().status(status);
        match path.as_str() {
            "/refused" => respond.send_reset(Reason::REFUSED_STREAM),
            "/reset" => respond.send_reset(Reason::INTERNAL_ERROR),
            "/ok" | "/500" => {
                let sent = respond.send_response(response.body(()).expect("valid"), false);
                let _ = sent.and_then(|mut body| body.send_data(Bytes::from_static(b"ok"), true));
            }
            _ if path.starts_with("/grpc/") => {
                response = response.header("content-type", "application/grpc");
                let sent = respond.send_response(response.body(()).expect("valid"), false);
                let mut trailers = HeaderMap::new();
                let status = path.trim_start_matches("/grpc/").parse().expect("a number");
                trailers.insert("grpc-status", status);
                let _ = sent.and_then(|mut body| {
                    body.send_data(Bytes::from_static(b"\0\0\0\0\0"), false)?;
                    body.send_trailers(trailers)
                });
            }
            _ => {
                tokio::spawn(async move {
                    let _ = std::future::poll_fn(|cx| respond.poll_reset(cx)).await;
                });
            }
        }
    }
}

/// Makes one call of a kind, to its end.
async fn one<S, C>(service: S, address: SocketAddr, path: &'static str)
where
    S: Service<Request<Full<Bytes>>, Response = Response<C>, Error = BoxError>,
    C: http_body::Body<Data = Bytes, Error = BoxError>,
{
    let request = Request::get(format!("http://{address}{path}")).body(Full::default());
    let response = service.oneshot(request.expect("valid"));
    if path == "/dropped-before-head" {
        let _ = tokio::time::timeout(Duration::from_millis(2), response).await;
        return;
    }
    let Ok(response) = response.await else { return };
    let mut body = Box::pin(response.into_body());
    while let Some(Ok(_)) = body.frame().await {
        if path == "/dropped-in-body" {
            break;
        }
    }
}

/// Returns started, outcomes and in flight, as one scrape shows them.
fn scraped(registry: &Registry) -> (u64, u64, u64) {
    let mut text = String::new();
    registry.encode_text(&mut text, TextFormat::Prometheus);
    let sum = |name: &str| {
        text.lines()
            .filter(|line| line.starts_with(&format!("{name}{{")))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
            .sum()
    };
    (
        sum("sre_kit_http_client_requests_started_total"),
        sum("sre_kit_http_client_requests_total"),
        sum("http_client_active_requests"),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_many_calls_ends_once_and_in_its_outcome() {
    let (http1, http2) = (listen(serve_http1).await, listen(serve_http2).await);
    let registry = Registry::new();
    let peers = [("http1", http1), ("http2", http2)];
    let peers = peers.map(|(name, at)| Peer::http(name, &format!("http://{at}")).expect("valid"));
    let outbound = Outbound::new(&registry, peers).expect("valid");

    let done = Arc::new(AtomicBool::new(false));
    let looks = {
        let (registry, done) = (registry.clone(), Arc::clone(&done));
        std::thread::spawn(move || {
            let mut looks = 0;
            while !done.load(Ordering::Relaxed) || looks == 0 {
                let (started, ended, active) = scraped(&registry);
                // A number below zero would be huge.
                assert_eq!(started, ended + active, "look {looks}");
                looks += 1;
            }
            looks
        })
    };

    // A connection per call over HTTP/1: the servers end each of them.
    let unpooled: Pooled =
        Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(HttpConnector::new());
    let multiplexed: Pooled =
        Client::builder(TokioExecutor::new()).http2_only(true).build(HttpConnector::new());
    let limit = Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
    let mut calls = tokio::task::JoinSet::new();
    let mut expected = [0; CallOutcome::ALL.len()];
    let kinds = HTTP1.map(|kind| (kind, false)).into_iter().chain(HTTP2.map(|kind| (kind, true)));
    let kinds: Vec<_> = kinds.collect();
    for i in 0..ROUNDS * kinds.len() {
        let ((path, outcome), second) = kinds[i % kinds.len()];
        expected[outcome as usize] += 1;
        let permit = Arc::clone(&limit).acquire_owned().await.expect("open");
        let (address, pooled) =
            if second { (http2, multiplexed.clone()) } else { (http1, unpooled.clone()) };
        // Only a call that is never answered may run into the time limit.
        let time = if path == "/stall" { Duration::from_millis(5) } else { Duration::from_mins(2) };
        let service = ServiceBuilder::new().layer(outbound.layer()).timeout(time).service(pooled);
        calls.spawn(async move {
            one(service, address, path).await;
            drop(permit);
        });
    }
    while let Some(call) = calls.join_next().await {
        call.expect("no panic");
    }
    done.store(true, Ordering::Relaxed);
    let looks = looks.join().expect("every look adds up");

    let total = u64::try_from(ROUNDS * kinds.len()).expect("few");
    assert_eq!((outbound.started(), outbound.in_flight()), (total, 0), "after {looks} looks");
    let ended = CallOutcome::ALL.map(|outcome| outbound.ended(outcome));
    assert_eq!(ended, expected, "{:?}", CallOutcome::ALL);
}
