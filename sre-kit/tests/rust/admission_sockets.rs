//! Admission over real sockets, on HTTP/1 and HTTP/2: a permit lasts as long as
//! the client takes to read, and a full service still answers who is exempt.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use sre_kit::admission::{Admission, Limit};
use sre_kit::golden_signals::{GoldenSignals, Outcome};
use sre_kit::metrics::Registry;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tower::{Layer, service_fn};

type TestBody = UnsyncBoxBody<Bytes, Infallible>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Http1,
    Http2,
}

const BOTH: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];

fn answer(path: &str) -> Response<TestBody> {
    let first = futures_util::stream::iter([Ok(Frame::data(Bytes::from_static(b"chunk")))]);
    Response::new(match path {
        // One chunk, and then nothing for ever.
        "/stuck" => StreamBody::new(first.chain(futures_util::stream::pending())).boxed_unsync(),
        _ => Full::from("hello").boxed_unsync(),
    })
}

struct Server {
    addr: SocketAddr,
    admission: Admission,
    signals: GoldenSignals,
    accepting: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Server {
    async fn start(limit: u32) -> Self {
        let registry = Registry::new();
        let signals = GoldenSignals::builder().build(&registry).expect("valid");
        let admission = Admission::builder()
            .limit(Limit::fixed(limit))
            .exempt(|head| head.uri.path() == "/livez")
            .build(&registry)
            .expect("valid");
        let inner = service_fn(|request: Request<Incoming>| async move {
            Ok::<_, Infallible>(answer(request.uri().path()))
        });
        let service = signals.layer().layer(admission.layer().layer(inner));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let addr = listener.local_addr().expect("bound");
        let accepting = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let service = TowerToHyperService::new(service.clone());
                tokio::spawn(async move {
                    let builder =
                        hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                    let _ = builder.serve_connection(TokioIo::new(socket), service).await;
                });
            }
        });
        Self { addr, admission, signals, accepting }
    }

    /// One request on a connection of its own, which lasts as long as its task.
    async fn get(&self, protocol: Protocol, path: &str) -> (Response<Incoming>, JoinHandle<()>) {
        let io = TokioIo::new(TcpStream::connect(self.addr).await.expect("the server listens"));
        let request = Request::builder()
            .uri(format!("http://{}{path}", self.addr))
            .header("host", self.addr.to_string())
            .body(Empty::<Bytes>::new())
            .expect("valid");
        match protocol {
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
        }
    }

    async fn settle(&self, in_flight: u64) {
        let settled = async {
            while self.admission.in_flight() != in_flight {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), settled).await.unwrap_or_else(|_| {
            panic!("{} in flight, not {in_flight}", self.admission.in_flight())
        });
    }
}

#[tokio::test]
async fn a_body_that_is_not_read_to_its_end_keeps_its_place() {
    for protocol in BOTH {
        let server = Server::start(2).await;
        let mut held = Vec::new();
        for _ in 0..2 {
            let (mut response, connection) = server.get(protocol, "/stuck").await;
            assert_eq!(response.status(), StatusCode::OK);
            let first = response.body_mut().frame().await;
            assert!(first.is_some_and(|frame| frame.is_ok()), "the head and a chunk are out");
            held.push((response, connection));
        }
        assert_eq!(server.admission.in_flight(), 2, "{protocol:?}");
        let (refused, _connection) = server.get(protocol, "/").await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE, "{protocol:?}");
        assert!(refused.headers().contains_key("retry-after"), "{protocol:?}");
        assert!(refused.into_body().collect().await.expect("whole").to_bytes().is_empty());
        // One of the clients leaves.
        let (response, connection) = held.pop().expect("two");
        drop(response);
        connection.abort();
        server.settle(1).await;
        let (served, _connection) = server.get(protocol, "/").await;
        assert_eq!(served.status(), StatusCode::OK, "{protocol:?}");
        assert_eq!(served.into_body().collect().await.expect("whole").to_bytes(), "hello");
        server.settle(1).await;
        assert_eq!(server.signals.ended(Outcome::Shed), 1, "{protocol:?}");
    }
}

#[tokio::test]
async fn a_service_that_refuses_everything_still_answers_its_probes() {
    for protocol in BOTH {
        let server = Server::start(1).await;
        let _held = server.admission.try_admit(1).expect("free");
        for _ in 0..20 {
            let (refused, _connection) = server.get(protocol, "/").await;
            assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
            let (probe, _connection) = server.get(protocol, "/livez").await;
            assert_eq!(probe.status(), StatusCode::OK, "{protocol:?}");
        }
        assert_eq!(server.admission.shed(), 20);
        assert_eq!(server.signals.ended(Outcome::Shed), 20);
    }
}

#[tokio::test]
async fn a_refusal_keeps_the_connection() {
    let server = Server::start(1).await;
    let held = server.admission.try_admit(1).expect("free");
    let io = TokioIo::new(TcpStream::connect(server.addr).await.expect("the server listens"));
    let (mut send, connection) =
        hyper::client::conn::http1::handshake(io).await.expect("handshake");
    tokio::spawn(connection);
    let request =
        || Request::get("/").header("host", "x").body(Empty::<Bytes>::new()).expect("valid");
    let refused = send.send_request(request()).await.expect("a response");
    assert_eq!(refused.headers()["content-length"], "0", "it says where it ends");
    drop(refused.into_body().collect().await);
    drop(held);
    send.ready().await.expect("still open");
    assert_eq!(send.send_request(request()).await.expect("a response").status(), 200);
}
