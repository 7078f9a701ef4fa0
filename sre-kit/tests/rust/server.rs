//! The server over real sockets: what a client may hold, for how long, and
//! what becomes of it when the server ends.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Collected, Empty, Full, StreamBody};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use sre_kit::metrics::{Registry, TextFormat};
use sre_kit::server::{
    ConnectionInfo, ConnectionMetrics, RequestBody, RunningServer, Server, ServerBuilder,
    Unfinished,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

type TestBody = UnsyncBoxBody<Bytes, Infallible>;

/// Long enough for anything that happens at all, on a busy machine too.
pub(crate) const EVER: Duration = Duration::from_secs(20);
/// For what a test waits out.
pub(crate) const SHORT: Duration = Duration::from_millis(150);

/// The size of `/page`: less than a TLS session buffers for its socket.
pub(crate) const PAGE: usize = 48 * 1024;

/// A handler that waits in `/held` until it is let go.
#[derive(Clone, Default)]
pub(crate) struct Handler {
    entered: Arc<Notify>,
    pub(crate) release: Arc<Notify>,
    pub(crate) read: Arc<std::sync::Mutex<Option<Bytes>>>,
}

impl Handler {
    async fn handle(self, mut request: Request<RequestBody>) -> Response<TestBody> {
        let path = request.uri().path().to_owned();
        match path.as_str() {
            "/held" => {
                self.entered.notify_one();
                self.release.notified().await;
                text("held")
            }
            "/stuck" => {
                self.entered.notify_one();
                pending().await
            }
            "/panic" => panic!("by request"),
            // Answers at once, and reads the body in a task.
            "/accepted" => {
                let handler = self.clone();
                tokio::spawn(async move {
                    let body = request.into_body().collect().await;
                    *handler.read.lock().expect("no panic") = body.ok().map(Collected::to_bytes);
                    handler.release.notify_one();
                });
                with_status(StatusCode::ACCEPTED)
            }
            "/upload" => match request.into_body().collect().await {
                Ok(body) => text(&body.to_bytes().len().to_string()),
                Err(error) if error.is_timeout() => with_status(StatusCode::REQUEST_TIMEOUT),
                Err(_) => with_status(StatusCode::BAD_REQUEST),
            },
            // Waits for its body, answers, and sends back what comes.
            "/echo" => {
                let mut body = request.into_body();
                assert!(body.frame().now_or_never().is_none(), "nothing has come");
                let frames = stream::unfold(body, async |mut body| {
                    Some((Ok(body.frame().await?.ok()?), body))
                });
                Response::new(StreamBody::new(frames).boxed_unsync())
            }
            "/page" => text(&"x".repeat(PAGE)),
            #[cfg(feature = "tls")]
            "/tls" => {
                let info = request.body().connection_info().clone();
                let tls = info.tls().expect("not plain");
                let certificate = tls.client_certificate().is_some();
                let name = tls.server_name().unwrap_or_default();
                let (protocol, version) = (request.version(), tls.version());
                text(&format!("{protocol:?} TLS {version} {name} certificate={certificate}"))
            }
            "/read" => {
                self.entered.notify_one();
                while let Some(Ok(_)) = request.body_mut().frame().await {}
                text("read")
            }
            "/endless" => {
                self.entered.notify_one();
                let chunk = Bytes::from(vec![0; 64 * 1024]);
                let chunks = stream::repeat_with(move || Ok(Frame::data(chunk.clone())));
                Response::new(StreamBody::new(chunks).boxed_unsync())
            }
            // A stream that ends itself when it is told to.
            "/events" => {
                let info = request.body().connection_info().clone();
                let signal = info.drain_signal().clone();
                let last = async move {
                    signal.closing().await;
                    Ok(Frame::data(Bytes::from_static(b"bye")))
                };
                let first = async { Ok(Frame::data(Bytes::from_static(b"hi "))) };
                let events = stream::once(first).chain(stream::once(last));
                Response::new(StreamBody::new(events).boxed_unsync())
            }
            "/upgrade" => self.upgrade(request),
            "/with-body" => text("not for HEAD"),
            "/no-content" => with_status(StatusCode::NO_CONTENT),
            "/not-modified" => with_status(StatusCode::NOT_MODIFIED),
            "/peer" => {
                let info = request.body().connection_info();
                let peer = info.peer_addr().expect("TCP");
                // By choice, see `connection_info`.
                let extension = request.extensions().get::<ConnectionInfo>();
                let extension = extension.and_then(ConnectionInfo::peer_addr);
                text(&format!("{peer} {}", extension == Some(peer)))
            }
            _ => text("hello"),
        }
    }

    /// Echoes one line, then waits to be let go or to be told that the server closes.
    fn upgrade(self, mut request: Request<RequestBody>) -> Response<TestBody> {
        let stubborn = request.headers().contains_key("x-stubborn");
        let info = request.body().connection_info().clone();
        let signal = info.drain_signal().clone();
        let upgraded = hyper::upgrade::on(&mut request);
        tokio::spawn(async move {
            let mut socket = TokioIo::new(upgraded.await.expect("upgraded"));
            let mut line = [0; 5];
            socket.read_exact(&mut line).await.expect("five bytes");
            socket.write_all(&line).await.expect("open");
            self.entered.notify_one();
            if stubborn {
                let _ = socket.read_to_end(&mut Vec::new()).await;
            } else {
                signal.closing().await;
                let _ = socket.write_all(b"bye").await;
            }
            self.release.notify_one();
        });
        let mut response = Response::new(Empty::new().boxed_unsync());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        response.headers_mut().insert("connection", "upgrade".parse().expect("valid"));
        response.headers_mut().insert("upgrade", "echo".parse().expect("valid"));
        response
    }
}

fn text(text: &str) -> Response<TestBody> {
    Response::new(Full::from(text.to_owned()).boxed_unsync())
}

fn with_status(status: StatusCode) -> Response<TestBody> {
    let mut response = text("not to be sent");
    *response.status_mut() = status;
    response
}

pub(crate) struct Fixture {
    pub(crate) running: RunningServer,
    pub(crate) handler: Handler,
    registry: Registry,
    pub(crate) addr: SocketAddr,
}

pub(crate) async fn start(settings: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Fixture {
    start_on(TcpListener::bind("127.0.0.1:0").await.expect("loopback"), settings)
}

pub(crate) fn start_on(
    listener: TcpListener,
    settings: impl FnOnce(ServerBuilder) -> ServerBuilder,
) -> Fixture {
    let registry = Registry::new();
    let metrics = ConnectionMetrics::new(&registry).expect("fresh");
    let addr = listener.local_addr().expect("bound");
    let handler = Handler::default();
    let service = {
        let handler = handler.clone();
        tower::service_fn(move |request| {
            let handler = handler.clone();
            async move { Ok::<_, Infallible>(handler.handle(request).await) }
        })
    };
    let server = settings(Server::builder().metrics(&metrics)).build().expect("valid");
    let running = server.start(listener, service);
    Fixture { running, handler, registry, addr }
}

impl Fixture {
    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.addr).await.expect("accepting")
    }

    pub(crate) async fn http1(&self) -> http1::SendRequest<Empty<Bytes>> {
        let io = TokioIo::new(self.connect().await);
        let (sender, connection) = http1::handshake(io).await.expect("connected");
        tokio::spawn(connection.with_upgrades());
        sender
    }

    pub(crate) async fn http2(&self) -> http2::SendRequest<Empty<Bytes>> {
        let io = TokioIo::new(self.connect().await);
        let mut builder = http2::Builder::new(TokioExecutor::new());
        let (sender, connection) =
            builder.timer(TokioTimer::new()).handshake(io).await.expect("connected");
        tokio::spawn(connection);
        sender
    }

    pub(crate) async fn entered(&self) {
        soon(self.handler.entered.notified()).await;
    }

    /// A request on a connection of its own.
    pub(crate) async fn ask(&self, path: &str) -> (StatusCode, String) {
        let mut sender = self.http1().await;
        body_of(soon(sender.send_request(get(path))).await.expect("answered")).await
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        self.registry.encode_text(&mut text, TextFormat::Prometheus);
        text
    }

    pub(crate) fn metric(&self, line: &str) -> u64 {
        let text = self.text();
        let value = text.lines().find_map(|found| found.strip_prefix(line)?.strip_prefix(' '));
        let value = value.unwrap_or_else(|| panic!("{line} in\n{text}"));
        // A gauge is printed with a point, a counter without.
        value.trim_end_matches(".0").parse().expect("a whole number")
    }

    pub(crate) fn errors(&self, kind: &str) -> u64 {
        self.metric(&format!(
            "sre_kit_http_server_connection_errors_total{{listener=\"main\",error_type=\"{kind}\"}}"
        ))
    }

    pub(crate) fn open(&self, state: &str) -> u64 {
        self.metric(&format!(
            "sre_kit_http_server_open_connections{{listener=\"main\",http_connection_state=\"{state}\"}}"
        ))
    }

    pub(crate) async fn until(&self, what: impl Fn(&Self) -> bool) {
        soon(async {
            while !what(self) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }

    pub(crate) async fn drain(&self, bound: Duration) -> Unfinished {
        soon(self.running.close(Instant::now() + bound)).await
    }
}

pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    timeout(EVER, future).await.expect("no hang")
}

pub(crate) fn get(path: &str) -> Request<Empty<Bytes>> {
    Request::get(path).header("host", "test").body(Empty::new()).expect("valid")
}

pub(crate) async fn body_of(response: Response<Incoming>) -> (StatusCode, String) {
    let status = response.status();
    let bytes = soon(response.into_body().collect()).await.expect("whole").to_bytes();
    (status, String::from_utf8(bytes.to_vec()).expect("text"))
}

/// Reads until the server closes or resets the connection.
pub(crate) async fn rest(socket: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = soon(socket.read_to_end(&mut bytes)).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn one_port_speaks_http1_and_http2_and_knows_its_clients() {
    let fixture = start(|server| server).await;
    let (status, peer) = fixture.ask("/peer").await;
    assert_eq!(status, StatusCode::OK);
    assert!(peer.starts_with("127.0.0.1:"), "{peer}");
    assert!(peer.ends_with("false"), "an extension is there by choice");
    let with_extension = start(|server| server.connection_info(true)).await;
    let (_, peer) = with_extension.ask("/peer").await;
    assert!(peer.ends_with("true"), "{peer}");
    let mut http2 = fixture.http2().await;
    let request = Request::get("http://test/").body(Empty::new()).expect("valid");
    let response = soon(http2.send_request(request)).await.expect("answered");
    assert_eq!(response.version(), http::Version::HTTP_2);
    assert_eq!(body_of(response).await.1, "hello");
    assert_eq!(
        fixture.metric("sre_kit_http_server_connections_accepted_total{listener=\"main\"}"),
        2
    );
}

#[tokio::test]
async fn bodies_that_must_not_be_sent_are_not_sent_on_http2() {
    let fixture = start(|server| server).await;
    for (method, path, length) in [
        ("HEAD", "/with-body", Some("12")),
        ("GET", "/no-content", None),
        ("GET", "/not-modified", None),
    ] {
        let mut http2 = fixture.http2().await;
        let request = Request::builder()
            .method(method)
            .uri(format!("http://test{path}"))
            .body(Empty::new())
            .expect("valid");
        let response = soon(http2.send_request(request)).await.expect("answered");
        let declared = response.headers().get("content-length").cloned();
        assert_eq!(declared.as_ref().and_then(|value| value.to_str().ok()), length, "{path}");
        assert_eq!(body_of(response).await.1, "", "{path}");
    }
}

#[tokio::test]
async fn a_head_that_does_not_arrive_ends_its_connection() {
    let fixture = start(|server| server.header_read_timeout(SHORT)).await;
    for sent in ["", "PRI * HTTP", "GET / HTTP/1.1\r\nhost: test\r\n"] {
        let before = fixture.errors("header_timeout");
        let mut socket = fixture.connect().await;
        socket.write_all(sent.as_bytes()).await.expect("open");
        assert_eq!(rest(&mut socket).await, "", "{sent:?}");
        fixture.until(|f| f.errors("header_timeout") == before + 1).await;
    }
    fixture.until(|f| f.running.open_connections() == 0).await;
}

#[tokio::test]
async fn between_requests_a_connection_outlives_the_header_timeout_but_not_the_idle_one() {
    let fixture = start(|server| server.header_read_timeout(SHORT).idle_timeout(10 * SHORT)).await;
    let mut sender = fixture.http1().await;
    for _ in 0..2 {
        let response = soon(sender.send_request(get("/"))).await.expect("answered");
        assert_eq!(body_of(response).await.1, "hello");
        tokio::time::sleep(2 * SHORT).await;
        assert!(!sender.is_closed());
    }
    fixture.until(|f| f.running.open_connections() == 0).await;
    assert_eq!(fixture.errors("header_timeout"), 0);
}

#[tokio::test]
async fn a_head_that_is_too_large_is_answered_431() {
    let fixture = start(|server| server.max_header_size(8 * 1024)).await;
    let mut socket = fixture.connect().await;
    let head = format!("GET / HTTP/1.1\r\nhost: test\r\nx: {}\r\n\r\n", "x".repeat(9 * 1024));
    socket.write_all(head.as_bytes()).await.expect("open");
    let answer = rest(&mut socket).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    fixture.until(|f| f.errors("too_large") == 1).await;
}

#[tokio::test]
async fn a_panic_ends_its_connection_and_no_other() {
    let fixture = start(|server| server).await;
    let mut other = fixture.http1().await;
    assert!(soon(other.send_request(get("/"))).await.is_ok());
    let mut sender = fixture.http1().await;
    assert!(soon(sender.send_request(get("/panic"))).await.is_err());
    fixture.until(|f| f.errors("panic") == 1).await;
    let response = soon(other.send_request(get("/"))).await.expect("still there");
    assert_eq!(body_of(response).await.1, "hello");
}

#[tokio::test]
async fn once_announced_http1_clients_are_told_to_leave_and_new_ones_are_served() {
    let fixture = start(|server| server).await;
    let mut sender = fixture.http1().await;
    let response = soon(sender.send_request(get("/"))).await.expect("answered");
    assert!(!response.headers().contains_key("connection"));
    assert_eq!(body_of(response).await.1, "hello");

    fixture.running.announce();
    // An idle connection stays, for its next request may be on the way.
    let response = soon(sender.send_request(get("/"))).await.expect("answered");
    assert_eq!(response.headers()["connection"], "close");
    assert_eq!(body_of(response).await.1, "hello");
    fixture.until(|f| f.running.open_connections() == 0).await;
    assert_eq!(fixture.ask("/").await, (StatusCode::OK, "hello".into()));
}

#[tokio::test]
async fn once_announced_http2_clients_get_a_goaway_and_lose_no_stream() {
    let fixture = start(|server| server).await;
    let mut sender = fixture.http2().await;
    let mut clone = sender.clone();
    let held = tokio::spawn(async move {
        let request = Request::get("http://test/held").body(Empty::new()).expect("valid");
        body_of(clone.send_request(request).await.expect("answered")).await.1
    });
    fixture.entered().await;
    fixture.running.announce();
    soon(async {
        while sender.ready().await.is_ok() && !sender.is_closed() {
            let request = Request::get("http://test/").body(Empty::new()).expect("valid");
            if sender.send_request(request).await.is_err() {
                break;
            }
        }
    })
    .await;
    fixture.handler.release.notify_one();
    assert_eq!(soon(held).await.expect("no panic"), "held");
    fixture.until(|f| f.running.open_connections() == 0).await;

    let mut fresh = fixture.http2().await;
    let request = Request::get("http://test/").body(Empty::new()).expect("valid");
    let response = soon(fresh.send_request(request)).await.expect("served while accepting");
    assert_eq!(body_of(response).await.1, "hello");
}

#[tokio::test]
async fn a_drain_finishes_what_is_under_way_and_closes_what_is_idle() {
    let fixture = start(|server| server).await;
    let mut idle = fixture.http1().await;
    assert!(soon(idle.send_request(get("/"))).await.is_ok());
    let mut busy = fixture.http1().await;
    let held = tokio::spawn(async move {
        let response = busy.send_request(get("/held")).await.expect("answered");
        let close = response.headers()["connection"].clone();
        (close, body_of(response).await.1)
    });
    fixture.entered().await;
    fixture.until(|f| (f.open("active"), f.open("idle")) == (1, 1)).await;
    fixture.running.stop_accepting();
    fixture.until(|f| (f.open("active"), f.open("idle")) == (1, 0)).await;
    fixture.until(|_| std::net::TcpStream::connect(fixture.addr).is_err()).await;
    assert_eq!(fixture.running.requests_in_flight(), 1);
    fixture.handler.release.notify_one();
    assert!(fixture.drain(EVER).await.is_empty());
    assert_eq!(
        soon(held).await.expect("no panic"),
        ("close".parse().expect("valid"), "held".into())
    );
}

#[tokio::test]
async fn a_first_request_that_is_on_the_way_when_accepting_stops_is_served() {
    let fixture = start(|server| server).await;
    let mut socket = fixture.connect().await;
    fixture.until(|f| f.running.open_connections() == 1).await;
    fixture.running.stop_accepting();
    socket.write_all(b"GET / HTTP/1.1\r\nhost: test\r\n\r\n").await.expect("open");
    let answer = rest(&mut socket).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("connection: close"), "{answer}");
    assert!(fixture.drain(EVER).await.is_empty());
}

#[tokio::test]
async fn a_half_sent_head_does_not_hold_the_drain() {
    let fixture = start(|server| server.header_read_timeout(EVER)).await;
    let mut socket = fixture.connect().await;
    socket.write_all(b"GET / HTTP/1.1\r\nhos").await.expect("open");
    fixture.until(|f| f.running.open_connections() == 1).await;
    let cut = fixture.drain(SHORT).await;
    assert!(cut.is_empty(), "no request had arrived: {cut:?}");
    assert_eq!(rest(&mut socket).await, "");
    fixture.until(|f| f.errors("cut_off") == 1).await;
}

#[tokio::test]
async fn a_body_that_never_ends_does_not_hold_the_drain() {
    let fixture = start(|server| server).await;
    let mut socket = fixture.connect().await;
    let head = "POST /read HTTP/1.1\r\nhost: test\r\ncontent-length: 1000\r\n\r\n";
    socket.write_all(head.as_bytes()).await.expect("open");
    fixture.entered().await;
    let cut = fixture.drain(SHORT).await;
    assert_eq!((cut.connections, cut.requests, cut.upgraded), (1, 1, 0));
    assert_eq!(fixture.running.requests_in_flight(), 0);
}

#[tokio::test]
async fn a_client_that_never_reads_does_not_hold_the_drain() {
    let fixture = start(|server| server).await;
    let mut socket = fixture.connect().await;
    socket.write_all(b"GET /endless HTTP/1.1\r\nhost: test\r\n\r\n").await.expect("open");
    fixture.entered().await;
    let cut = fixture.drain(SHORT).await;
    assert_eq!((cut.connections, cut.requests, cut.upgraded), (1, 1, 0));
    assert_eq!(fixture.running.open_connections(), 0);
}

#[tokio::test]
async fn a_handler_that_never_answers_does_not_hold_the_drain_on_http2() {
    let fixture = start(|server| server).await;
    let mut sender = fixture.http2().await;
    let mut clone = sender.clone();
    let stuck = tokio::spawn(async move {
        let request = Request::get("http://test/stuck").body(Empty::new()).expect("valid");
        clone.send_request(request).await.is_err()
    });
    let request = Request::get("http://test/stuck").body(Empty::new()).expect("valid");
    let other = tokio::spawn(async move { sender.send_request(request).await.is_err() });
    fixture.entered().await;
    fixture.entered().await;
    let cut = fixture.drain(SHORT).await;
    assert_eq!((cut.connections, cut.requests, cut.upgraded), (1, 2, 0));
    assert!(soon(stuck).await.expect("no panic") && soon(other).await.expect("no panic"));
    fixture.until(|f| f.running.requests_in_flight() == 0).await;
}

#[tokio::test]
async fn an_event_stream_ends_itself_when_it_is_told_to() {
    let fixture = start(|server| server).await;
    let mut sender = fixture.http1().await;
    let response = soon(sender.send_request(get("/events"))).await.expect("answered");
    fixture.running.announce();
    assert_eq!(fixture.running.requests_in_flight(), 1);
    assert!(fixture.drain(EVER).await.is_empty());
    assert_eq!(body_of(response).await.1, "hi bye");
}

async fn upgraded(fixture: &Fixture, stubborn: bool) -> TcpStream {
    let mut socket = fixture.connect().await;
    let stubborn = if stubborn { "x-stubborn: yes\r\n" } else { "" };
    let head = format!(
        "GET /upgrade HTTP/1.1\r\nhost: test\r\nconnection: upgrade\r\nupgrade: echo\r\n{stubborn}\r\n"
    );
    socket.write_all(head.as_bytes()).await.expect("open");
    socket.write_all(b"hello").await.expect("open");
    let mut answer = Vec::new();
    soon(async {
        while !answer.ends_with(b"hello") {
            socket.read_buf(&mut answer).await.expect("open");
        }
    })
    .await;
    assert!(answer.starts_with(b"HTTP/1.1 101"));
    fixture.entered().await;
    fixture.until(|f| f.open("upgraded") == 1).await;
    socket
}

#[tokio::test]
async fn an_upgraded_connection_is_counted_and_told_to_end() {
    let fixture = start(|server| server.max_connections(1)).await;
    let mut socket = upgraded(&fixture, false).await;
    assert_eq!(fixture.running.open_connections(), 1);
    // The drain of requests does not wait for it ...
    assert!(soon(fixture.running.drain(Instant::now() + EVER)).await.is_empty());
    assert_eq!(rest(&mut socket).await, "bye");
    // ... closing does.
    assert!(fixture.drain(EVER).await.is_empty());
    assert_eq!(fixture.running.open_connections(), 0);
}

#[tokio::test]
async fn an_upgraded_connection_that_stays_is_cut_off() {
    let fixture = start(|server| server).await;
    let mut socket = upgraded(&fixture, true).await;
    let cut = fixture.drain(SHORT).await;
    assert_eq!((cut.connections, cut.requests, cut.upgraded), (0, 0, 1));
    assert_eq!(rest(&mut socket).await, "");
    soon(fixture.handler.release.notified()).await;
    assert_eq!(fixture.running.open_connections(), 0);
}

#[tokio::test]
async fn dropping_a_server_ends_it_at_once() {
    let Fixture { running, handler, registry: _registry, addr } = start(|server| server).await;
    let mut socket = TcpStream::connect(addr).await.expect("accepting");
    socket.write_all(b"GET /stuck HTTP/1.1\r\nhost: test\r\n\r\n").await.expect("open");
    soon(handler.entered.notified()).await;
    drop(running);
    assert_eq!(rest(&mut socket).await, "");
    soon(async { while TcpStream::connect(addr).await.is_ok() {} }).await;
}

#[test]
fn limits_that_cannot_work_are_refused_with_a_sentence() {
    let zero = Duration::ZERO;
    for (server, sentence) in [
        (
            Server::builder().name(""),
            "server.name is \"\", but it is the value of a label; give it a short name such as \"main\"",
        ),
        (
            Server::builder().header_read_timeout(zero),
            "header_read_timeout is 0ns, but it must be longer than zero and at most a year; leave it out to have the default",
        ),
        (
            Server::builder().max_header_size(100),
            "max_header_size is 100, but it must lie between 8 KiB and 16 MiB; leave it out to have 64 KiB",
        ),
        (
            Server::builder().max_concurrent_streams(0),
            "max_concurrent_streams is 0, but HTTP/2 clients could not send a request; leave it out to have 200",
        ),
    ] {
        assert_eq!(server.build().expect_err("refused").to_string(), sentence);
    }
    assert!(Server::builder().max_connections(0).build().is_err());

    let metrics = ConnectionMetrics::new(&Registry::new()).expect("fresh");
    let _first = Server::builder().metrics(&metrics).build().expect("valid");
    let error = Server::builder().metrics(&metrics).build().expect_err("refused");
    assert_eq!(error.field(), "server.name");
}

/// Runs in a process of its own, whose number of file descriptors is limited.
#[test]
fn running_out_of_file_descriptors_does_not_end_the_accept_loop() {
    if std::env::var_os("FEW_DESCRIPTORS").is_none() {
        let this = std::env::current_exe().expect("known");
        let output = std::process::Command::new("sh")
            .args(["-c", "ulimit -n 64 && exec \"$0\" --exact \"$1\" --nocapture"])
            .arg(this)
            .arg("server::running_out_of_file_descriptors_does_not_end_the_accept_loop")
            .env("FEW_DESCRIPTORS", "1")
            .output()
            .expect("sh");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("enough for a runtime").block_on(async {
        let fixture = start(|server| server).await;
        let errors =
            "sre_kit_http_server_accept_errors_total{listener=\"main\",error_type=\"too_many_files\"}";
        let mut clients = Vec::new();
        while let Ok(client) = TcpStream::connect(fixture.addr).await {
            clients.push(client);
        }
        fixture.until(|f| f.metric(errors) >= 2).await;
        clients.clear();
        assert_eq!(fixture.ask("/").await, (StatusCode::OK, "hello".into()));
    });
}

#[tokio::test]
async fn a_missing_doubled_or_malformed_host_is_answered_400_and_never_served() {
    let fixture = start(|settings| settings).await;
    for (heads, status) in [
        ("GET / HTTP/1.1\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost: a b\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost: me@a\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost:\r\n\r\n", "400"),
        ("GET http://a/ HTTP/1.1\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost: a:8080\r\nconnection: close\r\n\r\n", "200"),
        ("GET / HTTP/1.0\r\n\r\n", "200"),
    ] {
        let mut stream = TcpStream::connect(fixture.addr).await.expect("it listens");
        stream.write_all(heads.as_bytes()).await.expect("written");
        let mut answer = String::new();
        let read = timeout(EVER, stream.read_to_string(&mut answer)).await;
        read.expect("the connection is closed").expect("a whole answer");
        assert_eq!(answer.split(' ').nth(1), Some(status), "{heads:?}: {answer}");
        assert_eq!(answer.contains("hello"), status == "200", "{answer}");
    }
    assert_eq!(fixture.errors("malformed"), 6);
}
