//! The handshake, and what a client can hold with it.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

use super::{Authority, connect, get, secure, start_tls, with_tls};
use crate::server::{EVER, PAGE, SHORT, body_of, rest, soon, start, start_on};

/// The beginning of a TLS record.
const BEGINNING: [u8; 3] = [0x16, 0x03, 0x01];

#[tokio::test]
async fn both_protocols_are_spoken_and_the_handler_sees_the_tls() {
    let authority = Authority::new();
    authority.write();
    let fixture = start_tls(authority.server()).await;
    let client = authority.client(&[b"http/1.1"], false);
    let stream = connect(&client, fixture.addr).await.expect("a handshake");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let response = get(stream, "/tls").await.expect("an answer");
    assert!(response.ends_with("HTTP/1.1 TLS 1.3 localhost certificate=false"), "{response}");

    let client = authority.client(&[b"h2", b"http/1.1"], false);
    let stream = connect(&client, fixture.addr).await.expect("a handshake");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let io = TokioIo::new(stream);
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.expect("HTTP/2");
    tokio::spawn(connection);
    let request = Request::get("https://localhost/tls").body(Empty::<Bytes>::new());
    let response = soon(sender.send_request(request.expect("valid"))).await.expect("an answer");
    let (_, body) = body_of(response).await;
    assert_eq!(body, "HTTP/2.0 TLS 1.3 localhost certificate=false");
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_cut_and_one_that_never_begins_is_a_check() {
    let authority = Authority::new();
    authority.write();
    let fixture = start_tls(authority.server().handshake_timeout(Duration::from_millis(50))).await;
    // A health check of a load balancer connects and closes.
    drop(fixture.connect().await);
    let mut slow = fixture.connect().await;
    slow.write_all(&BEGINNING).await.expect("written");
    rest(&mut slow).await;
    fixture.until(|f| f.errors("tls_timeout") == 1).await;

    let mut plain = fixture.connect().await;
    plain.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("written");
    rest(&mut plain).await;
    fixture.until(|f| f.errors("tls_handshake") == 1).await;
    fixture.until(|f| f.open("idle") == 0).await;
    assert_eq!(fixture.errors("tls_timeout"), 1, "the check did not count");
    assert_eq!(fixture.errors("io"), 0);
}

#[tokio::test]
async fn a_client_that_leaves_without_a_word_is_no_error() {
    let authority = Authority::new();
    authority.write();
    let fixture = start_tls(authority.server()).await;
    let client = authority.client(&[], false);
    let mut stream = connect(&client, fixture.addr).await.expect("a handshake");
    stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("written");
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.expect("an answer");
    // The socket is closed without TLS's `close_notify`.
    let (mut tcp, _) = stream.into_inner();
    tcp.shutdown().await.expect("closed");
    drop(tcp);
    fixture.until(|f| f.open("idle") == 0).await;
    let text = fixture.text();
    let errors = text
        .lines()
        .filter(|line| line.starts_with("sre_kit_http_server_connection_errors_total{"));
    assert!(
        errors.clone().count() > 0 && errors.clone().all(|line| line.ends_with(" 0")),
        "{text}"
    );
}

#[tokio::test]
async fn a_handshake_holds_no_shutdown() {
    let authority = Authority::new();
    authority.write();
    let fixture = start_tls(authority.server().handshake_timeout(Duration::from_hours(1))).await;
    let silent = fixture.connect().await;
    let mut half = fixture.connect().await;
    half.write_all(&BEGINNING).await.expect("written");
    fixture.until(|f| f.running.open_connections() == 2).await;
    assert!(fixture.drain(2 * EVER).await.is_empty());
    drop((silent, half));
}

#[tokio::test]
async fn at_the_limit_a_handshake_that_does_not_go_on_makes_room() {
    let authority = Authority::new();
    authority.write();
    let tls = with_tls(authority.server().handshake_timeout(Duration::from_hours(1)));
    let fixture = start(|server| tls(server).max_connections(2)).await;
    let silent = fixture.connect().await;
    let mut half = fixture.connect().await;
    half.write_all(&BEGINNING).await.expect("written");
    fixture.until(|f| f.running.open_connections() == 2).await;
    let client = authority.client(&[], false);
    let first = soon(connect(&client, fixture.addr)).await.expect("a handshake");
    let second = soon(connect(&client, fixture.addr)).await.expect("a handshake");
    for stream in [first, second] {
        let response = soon(get(stream, "/")).await.expect("an answer");
        assert!(response.ends_with("hello"), "{response}");
    }
    assert_eq!(fixture.errors("evicted"), 2);
    drop((silent, half));
}

#[tokio::test]
async fn a_response_that_has_waited_for_its_client_and_was_read_leaves_the_connection_open() {
    const WRITE_TIMEOUT: Duration = SHORT.saturating_mul(6);
    let authority = Authority::new();
    authority.write();
    // The kernel takes the first part of the response; the rest waits in the TLS session.
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_send_buffer_size(4096).expect("a buffer");
    socket.bind("127.0.0.1:0".parse().expect("valid")).expect("loopback");
    let tls = with_tls(authority.server());
    let listener = socket.listen(1).expect("a listener");
    let fixture = start_on(listener, |server| tls(server).write_timeout(WRITE_TIMEOUT));
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a buffer");
    let socket = socket.connect(fixture.addr).await.expect("accepting");
    let client = authority.client(&[], false);
    let mut stream = secure(&client, socket).await.expect("a handshake");
    stream.write_all(b"GET /page HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("written");
    tokio::time::sleep(SHORT).await;
    let (mut read, page) = (Vec::new(), vec![b'x'; PAGE]);
    while !read.ends_with(&page) {
        let len = soon(stream.read_buf(&mut read)).await.expect("open");
        assert_ne!(len, 0, "the response is cut");
    }
    tokio::time::sleep(WRITE_TIMEOUT + SHORT).await;
    let response = soon(get(stream, "/")).await.expect("an answer");
    assert!(response.ends_with("hello"), "{response}");
    assert_eq!(fixture.errors("write_timeout"), 0);
}
