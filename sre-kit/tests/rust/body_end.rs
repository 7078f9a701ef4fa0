//! When hyper is done with a body: the table of cases over real sockets, on
//! HTTP/1 and HTTP/2. None of them is an abort, and a real abort is one.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use sre_kit::golden_signals::{GoldenSignals, Outcome, Routes};
use sre_kit::metrics::{Registry, TextFormat};
use tokio::net::{TcpListener, TcpStream};
use tower::{Layer, service_fn};

type TestBody = UnsyncBoxBody<Bytes, Infallible>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Http1,
    Http2,
}

fn stream(chunks: usize) -> TestBody {
    let frames = (0..chunks).map(|_| Ok(Frame::data(Bytes::from_static(b"chunk"))));
    StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync()
}

/// A body that sends one chunk and then nothing, for ever.
fn stuck() -> TestBody {
    use futures_util::StreamExt;
    let first = futures_util::stream::iter([Ok(Frame::data(Bytes::from_static(b"chunk")))]);
    StreamBody::new(first.chain(futures_util::stream::pending())).boxed_unsync()
}

fn answer(path: &str) -> Response<TestBody> {
    let builder = Response::builder();
    match path {
        "/full" => builder.body(Full::from("hello").boxed_unsync()),
        "/empty" => builder.body(Empty::new().boxed_unsync()),
        "/chunked" => builder.body(stream(3)),
        "/exact" => builder.header("content-length", "15").body(stream(3)),
        "/not-modified" => builder.status(304).body(Full::from("stale").boxed_unsync()),
        "/no-content" => builder.status(204).body(Empty::new().boxed_unsync()),
        "/stuck" => builder.body(stuck()),
        _ => builder.status(404).body(Empty::new().boxed_unsync()),
    }
    .expect("valid")
}

/// Serves the table on a port that the kernel picks.
async fn serve(registry: &Registry) -> (SocketAddr, GoldenSignals) {
    let templates =
        ["/full", "/empty", "/chunked", "/exact", "/not-modified", "/no-content", "/stuck"];
    let routes = Routes::new(templates).expect("valid");
    let signals = GoldenSignals::builder().routes(routes).build(registry).expect("valid");
    let service = signals.layer().layer(service_fn(|request: Request<Incoming>| async move {
        Ok::<_, Infallible>(answer(request.uri().path()))
    }));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let addr = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let service = TowerToHyperService::new(service.clone());
            tokio::spawn(async move {
                let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                let _ = builder.serve_connection(TokioIo::new(socket), service).await;
            });
        }
    });
    (addr, signals)
}

/// One request on a connection of its own. The body is read to its end unless
/// `read` says otherwise.
async fn request(
    protocol: Protocol,
    addr: SocketAddr,
    method: Method,
    path: &str,
    read: bool,
) -> StatusCode {
    let socket = TcpStream::connect(addr).await.expect("the server listens");
    let io = TokioIo::new(socket);
    let request = Request::builder()
        .method(method)
        .uri(format!("http://{addr}{path}"))
        .header("host", addr.to_string())
        .body(Empty::<Bytes>::new())
        .expect("valid");
    let (response, connection) = match protocol {
        Protocol::Http1 => {
            let (mut send, connection) =
                hyper::client::conn::http1::handshake(io).await.expect("handshake");
            let connection = tokio::spawn(async move { drop(connection.await) });
            (send.send_request(request).await.expect("a response"), connection)
        }
        Protocol::Http2 => {
            let (mut send, connection) =
                hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
                    .await
                    .expect("handshake");
            let connection = tokio::spawn(async move { drop(connection.await) });
            (send.send_request(request).await.expect("a response"), connection)
        }
    };
    let status = response.status();
    let mut body = response.into_body();
    if read {
        // hyper sends the body of a HEAD response on HTTP/2 and its client then
        // complains; what the server recorded is what this is about.
        while let Some(Ok(_)) = body.frame().await {}
    } else {
        assert!(body.frame().await.is_some_and(|frame| frame.is_ok()), "one chunk arrives");
        drop(body);
        connection.abort();
    }
    status
}

async fn settle(signals: &GoldenSignals) {
    let settled = async {
        while signals.in_flight() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), settled).await.expect("every request ends");
}

fn body_bytes(registry: &Registry) -> f64 {
    let mut text = String::new();
    registry.encode_text(&mut text, TextFormat::Prometheus);
    text.lines()
        .filter(|line| line.starts_with("http_server_response_body_size_bytes_sum"))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}

#[tokio::test]
async fn every_finished_body_is_seen_to_finish() {
    for protocol in [Protocol::Http1, Protocol::Http2] {
        for (method, path, bytes) in [
            (Method::GET, "/full", 5.0),
            (Method::GET, "/empty", 0.0),
            (Method::GET, "/chunked", 15.0),
            (Method::GET, "/exact", 15.0),
            (Method::GET, "/no-content", 0.0),
            (Method::GET, "/not-modified", 0.0),
            (Method::HEAD, "/full", 0.0),
            (Method::HEAD, "/exact", 0.0),
        ] {
            let registry = Registry::new();
            let (addr, signals) = serve(&registry).await;
            request(protocol, addr, method.clone(), path, true).await;
            settle(&signals).await;
            let case = format!("{method} {path} on {protocol:?}");
            assert_eq!(signals.ended(Outcome::Ok), 1, "{case}");
            let sent = body_bytes(&registry);
            assert!((sent - bytes).abs() < f64::EPSILON, "{case}: {sent} bytes");
        }
    }
}

#[tokio::test]
async fn a_client_that_leaves_mid_body_is_an_abort() {
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let registry = Registry::new();
        let (addr, signals) = serve(&registry).await;
        request(protocol, addr, Method::GET, "/stuck", false).await;
        settle(&signals).await;
        assert_eq!(signals.ended(Outcome::AbortedMidBody), 1, "{protocol:?}");
    }
}

#[tokio::test]
async fn the_wrapped_body_keeps_its_length_on_the_wire() {
    let registry = Registry::new();
    let (addr, _) = serve(&registry).await;
    let socket = TcpStream::connect(addr).await.expect("the server listens");
    let (mut send, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(socket)).await.expect("handshake");
    tokio::spawn(connection);
    let request = Request::get("/full").header("host", "x").body(Empty::<Bytes>::new());
    let response = send.send_request(request.expect("valid")).await.expect("a response");
    assert_eq!(response.headers()["content-length"], "5");
    assert_eq!(response.body().size_hint().exact(), Some(5));
}
