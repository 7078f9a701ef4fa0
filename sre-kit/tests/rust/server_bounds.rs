//! What a client that is slow, silent or greedy can hold of a server, and for how long.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::server::{SHORT, body_of, get, rest, soon, start};

const HEAD: &[u8] = b"GET /endless HTTP/1.1\r\nhost: test\r\n\r\n";

async fn send(socket: &mut TcpStream, bytes: &[u8]) {
    socket.write_all(bytes).await.expect("open");
}

#[tokio::test]
async fn at_the_limit_the_connection_that_is_idle_longest_makes_room() {
    let fixture = start(|server| server.max_connections(2)).await;
    let mut first = fixture.http1().await;
    let mut second = fixture.http1().await;
    for sender in [&mut first, &mut second] {
        let response = soon(sender.send_request(get("/"))).await.expect("answered");
        assert_eq!(body_of(response).await.1, "hello");
        fixture.until(|f| f.open("active") == 0).await;
        // So that their times differ: the server measures them in milliseconds.
        tokio::time::sleep(SHORT / 5).await;
    }
    assert_eq!(fixture.ask("/").await, (StatusCode::OK, "hello".into()));
    fixture.until(|_| first.is_closed()).await;
    assert!(!second.is_closed());
    assert_eq!(fixture.errors("evicted"), 1);
}

#[tokio::test]
async fn at_the_limit_silent_connections_make_room() {
    let fixture = start(|server| server.max_connections(4)).await;
    let mut silent = Vec::new();
    for sent in ["", "G", "PRI * HTTP", "GET / HTTP/1.1\r\nho"] {
        let mut socket = fixture.connect().await;
        send(&mut socket, sent.as_bytes()).await;
        silent.push(socket);
    }
    fixture.until(|f| f.running.open_connections() == 4).await;
    let mut kept = Vec::new();
    for _ in 0..4 {
        let mut sender = fixture.http1().await;
        assert!(soon(sender.send_request(get("/"))).await.is_ok());
        kept.push(sender);
    }
    assert_eq!(fixture.errors("evicted"), 4);
}

#[tokio::test]
async fn at_the_limit_clients_that_do_not_read_make_room() {
    let fixture = start(|server| server.max_connections(8)).await;
    let mut greedy = Vec::new();
    for _ in 0..8 {
        let mut socket = fixture.connect().await;
        send(&mut socket, HEAD).await;
        greedy.push(socket);
    }
    fixture.until(|f| f.open("active") == 8).await;
    for _ in 0..8 {
        assert_eq!(fixture.ask("/").await, (StatusCode::OK, "hello".into()));
    }
    assert!(fixture.errors("evicted") >= 1);
}

#[tokio::test]
async fn at_the_limit_a_request_in_flight_is_never_cut() {
    let fixture = start(|server| server.max_connections(1)).await;
    let mut first = fixture.http1().await;
    let held = first.send_request(get("/held"));
    tokio::pin!(held);
    assert!(timeout(SHORT, held.as_mut()).await.is_err());
    let mut second = fixture.http1().await;
    let waiting = second.send_request(get("/"));
    tokio::pin!(waiting);
    // Longer than a client may let a request wait.
    assert!(timeout(6 * SHORT, waiting.as_mut()).await.is_err());
    fixture.handler.release.notify_one();
    assert_eq!(body_of(soon(held).await.expect("answered")).await.1, "held");
    assert_eq!(body_of(soon(waiting).await.expect("answered")).await.1, "hello");
}

#[tokio::test]
async fn at_the_limit_a_client_that_is_silent_after_the_response_head_is_kept() {
    let fixture = start(|server| server.max_connections(1)).await;
    let mut socket = fixture.connect().await;
    send(&mut socket, b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\n").await;
    let mut status = [0; 12];
    soon(socket.read_exact(&mut status)).await.expect("answered");
    assert_eq!(&status, b"HTTP/1.1 200");
    let mut second = fixture.http1().await;
    let waiting = second.send_request(get("/"));
    tokio::pin!(waiting);
    // Longer than a client may let a request wait.
    assert!(timeout(6 * SHORT, waiting.as_mut()).await.is_err());
    send(&mut socket, b"abc").await;
    let answer = rest(&mut socket).await;
    assert!(answer.contains("abc"), "{answer}");
    assert_eq!(body_of(soon(waiting).await.expect("answered")).await.1, "hello");
}

#[tokio::test]
async fn a_response_that_the_client_does_not_read_ends_its_connection() {
    let fixture = start(|server| server.write_timeout(SHORT)).await;
    let mut socket = fixture.connect().await;
    send(&mut socket, HEAD).await;
    fixture.until(|f| f.errors("write_timeout") == 1).await;
    fixture.until(|f| f.running.open_connections() == 0).await;
    assert_eq!(fixture.running.requests_in_flight(), 0);
}

#[tokio::test]
async fn a_response_that_is_read_slowly_goes_on() {
    let fixture = start(|server| server.write_timeout(4 * SHORT)).await;
    let socket = TcpSocket::new_v4().expect("a socket");
    // The kernel asks for more when a good part of its buffer is free.
    socket.set_recv_buffer_size(64 * 1024).expect("a buffer");
    let mut socket = socket.connect(fixture.addr).await.expect("accepting");
    send(&mut socket, HEAD).await;
    let mut chunk = vec![0; 2 * 1024 * 1024];
    // In all more than twice the time that the client may read nothing.
    for _ in 0..12 {
        tokio::time::sleep(SHORT).await;
        soon(socket.read_exact(&mut chunk)).await.expect("still sending");
    }
    assert_eq!(fixture.errors("write_timeout"), 0);
}

#[tokio::test]
async fn a_quiet_event_stream_is_left_alone() {
    let fixture = start(|server| server.write_timeout(SHORT).body_read_timeout(SHORT)).await;
    let mut http1 = fixture.http1().await;
    let mut http2 = fixture.http2().await;
    let request = Request::get("http://test/events").body(Empty::new()).expect("valid");
    let mut streams = [
        soon(http1.send_request(get("/events"))).await.expect("answered").into_body(),
        soon(http2.send_request(request)).await.expect("answered").into_body(),
    ];
    for stream in &mut streams {
        let frame = soon(stream.frame()).await.expect("a frame").expect("open");
        assert_eq!(frame.into_data().expect("data"), "hi ");
    }
    tokio::time::sleep(4 * SHORT).await;
    fixture.running.stop_accepting();
    for stream in streams {
        assert_eq!(soon(stream.collect()).await.expect("not cut").to_bytes(), "bye");
    }
}

#[tokio::test]
async fn an_http2_stream_whose_client_takes_nothing_is_reset_and_its_connection_kept() {
    let fixture = start(|server| server.write_timeout(SHORT)).await;
    let io = TokioIo::new(fixture.connect().await);
    let mut builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    // The response head needs no window; the body does.
    builder.timer(TokioTimer::new()).initial_stream_window_size(1_000);
    let (mut sender, connection) = builder.handshake(io).await.expect("connected");
    tokio::spawn(connection);
    let request = Request::get("http://test/endless").body(Empty::<Bytes>::new()).expect("valid");
    let response = soon(sender.send_request(request)).await.expect("answered");
    fixture.until(|f| f.errors("write_timeout") == 1).await;
    fixture.until(|f| f.running.requests_in_flight() == 0).await;
    let request = Request::get("http://test/").body(Empty::<Bytes>::new()).expect("valid");
    let other = soon(sender.send_request(request)).await.expect("the connection goes on");
    assert_eq!(body_of(other).await.1, "hello");
    // What was sent is read; then comes the reset.
    assert!(soon(response.into_body().collect()).await.is_err());
}

#[tokio::test]
async fn a_request_body_that_does_not_come_fails_the_read() {
    let fixture = start(|server| server.body_read_timeout(SHORT)).await;
    let mut socket = fixture.connect().await;
    send(&mut socket, b"POST /upload HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nabc").await;
    let answer = rest(&mut socket).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert_eq!(fixture.errors("body_timeout"), 1);
}

#[tokio::test]
async fn a_request_body_that_comes_slowly_arrives() {
    let fixture = start(|server| server.body_read_timeout(4 * SHORT)).await;
    let mut socket = fixture.connect().await;
    send(&mut socket, b"POST /upload HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n").await;
    for _ in 0..9 {
        tokio::time::sleep(SHORT).await;
        send(&mut socket, b"x").await;
    }
    send(&mut socket, b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    let answer = rest(&mut socket).await;
    assert!(answer.contains("\r\n\r\n9HTTP/1.1 200"), "{answer}");
    assert_eq!(fixture.errors("body_timeout"), 0);
}

#[tokio::test]
async fn a_grpc_call_may_be_silent() {
    let fixture = start(|server| server.body_read_timeout(SHORT)).await;
    let mut socket = fixture.connect().await;
    let head = b"POST /upload HTTP/1.1\r\nhost: a\r\ncontent-type: application/grpc+proto\r\n\
                 content-length: 1\r\nconnection: close\r\n\r\n";
    send(&mut socket, head).await;
    tokio::time::sleep(4 * SHORT).await;
    send(&mut socket, b"x").await;
    let answer = rest(&mut socket).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn an_upload_that_outlives_its_response_arrives() {
    let fixture = start(|server| server.header_read_timeout(SHORT).body_read_timeout(SHORT)).await;
    let mut socket = fixture.connect().await;
    send(&mut socket, b"POST /accepted HTTP/1.1\r\nhost: a\r\ncontent-length: 20\r\n\r\n").await;
    for _ in 0..10 {
        tokio::time::sleep(SHORT / 2).await;
        send(&mut socket, b"ab").await;
    }
    soon(fixture.handler.release.notified()).await;
    let read = fixture.handler.read.lock().expect("no panic").clone();
    assert_eq!(read.expect("not cut"), "ab".repeat(10));
    assert_eq!(fixture.errors("header_timeout"), 0);
}

#[tokio::test]
async fn an_upload_that_stops_after_its_response_has_the_time_of_an_idle_connection() {
    let fixture = start(|server| server.idle_timeout(SHORT)).await;
    let mut socket = fixture.connect().await;
    send(&mut socket, b"POST /accepted HTTP/1.1\r\nhost: a\r\ncontent-length: 20\r\n\r\nab").await;
    let answer = rest(&mut socket).await;
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    fixture.until(|f| f.running.open_connections() == 0).await;
    assert_eq!(*fixture.handler.read.lock().expect("no panic"), None);
}

#[tokio::test]
async fn half_a_head_behind_a_request_has_the_time_of_a_head() {
    let fixture = start(|server| server.header_read_timeout(SHORT)).await;
    let half = "GET / HTTP/1.1\r\nHo";
    for together in [true, false] {
        let before = fixture.errors("header_timeout");
        let mut socket = fixture.connect().await;
        let whole = "GET /held HTTP/1.1\r\nhost: a\r\n\r\n";
        if together {
            send(&mut socket, format!("{whole}{half}").as_bytes()).await;
            fixture.entered().await;
        } else {
            send(&mut socket, whole.as_bytes()).await;
            fixture.entered().await;
            send(&mut socket, half.as_bytes()).await;
        }
        tokio::time::sleep(2 * SHORT).await;
        assert_eq!(fixture.errors("header_timeout"), before, "the request is in flight");
        fixture.handler.release.notify_one();
        let answer = rest(&mut socket).await;
        assert!(answer.ends_with("held"), "{answer}");
        fixture.until(|f| f.errors("header_timeout") == before + 1).await;
    }
}

#[tokio::test]
async fn a_head_that_comes_in_pieces_leaves_the_connection_open() {
    let fixture = start(|server| server.header_read_timeout(2 * SHORT)).await;
    let mut socket = fixture.connect().await;
    for piece in ["GET / HTTP/1.1\r\nhost: a\r", "\n", "\r", "\n"] {
        send(&mut socket, piece.as_bytes()).await;
        tokio::time::sleep(SHORT / 5).await;
    }
    tokio::time::sleep(4 * SHORT).await;
    send(&mut socket, b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    let answer = rest(&mut socket).await;
    assert_eq!(answer.matches("HTTP/1.1 200").count(), 2, "{answer}");
}

#[tokio::test(start_paused = true)]
async fn the_first_head_has_its_time_once() {
    let fixture = start(|server| server.header_read_timeout(Duration::from_secs(10))).await;
    let mut socket = fixture.connect().await;
    let begun = tokio::time::Instant::now();
    tokio::time::sleep(Duration::from_millis(9_800)).await;
    send(&mut socket, b"GET / HTTP/1.1\r\n").await;
    let _ = socket.read_to_end(&mut Vec::new()).await;
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(11), "{took:?}");
    assert_eq!(fixture.errors("header_timeout"), 1);
}

#[tokio::test]
async fn a_drain_does_not_wait_for_an_http2_client_that_is_gone() {
    let fixture = start(|server| server).await;
    for asked in [false, true] {
        let fixture = if asked { &start(|server| server).await } else { &fixture };
        let mut socket = fixture.connect().await;
        // The preface and empty SETTINGS; nothing is ever acknowledged.
        send(&mut socket, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await;
        if asked {
            // HEADERS of stream 1 that end it: GET, http, "/", authority "a".
            let block = [0x82, 0x86, 0x84, 0x41, 0x01, b'a'];
            send(&mut socket, &[0, 0, 6, 1, 5, 0, 0, 0, 1]).await;
            send(&mut socket, &block).await;
            let mut answer = [0; 9];
            soon(socket.read_exact(&mut answer)).await.expect("answered");
        }
        fixture.until(|f| f.running.open_connections() == 1).await;
        let cut = fixture.drain(Duration::from_secs(15)).await;
        assert!(cut.is_empty(), "{cut:?}");
    }
}

#[tokio::test]
async fn an_idle_connection_that_a_drain_closes_is_no_loss() {
    let fixture = start(|server| server).await;
    let mut socket = fixture.connect().await;
    send(&mut socket, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await;
    fixture.until(|f| f.running.open_connections() == 1).await;
    // Shorter than a client has to acknowledge the end.
    let cut = fixture.drain(SHORT).await;
    assert!(cut.is_empty(), "{cut:?}");
    assert_eq!(fixture.running.open_connections(), 0);
}
