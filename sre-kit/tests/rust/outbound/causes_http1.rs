//! The causes of failed calls over HTTP/1: one test per way in which a server fails.

use std::time::Duration;

use http_body_util::BodyExt;
use sre_kit::outbound::CallOutcome;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tower::{ServiceBuilder, ServiceExt};

use super::{Recorded, call, get, listen, pooled};

/// Reads the head of a request, which has no body.
async fn read_request(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let byte = stream.read_u8().await.expect("a whole head");
        head.push(byte);
    }
}

/// Calls a server that answers with `answer` and closes the connection.
async fn answered(answer: &'static str) -> Recorded {
    let address = listen(move |mut stream| async move {
        read_request(&mut stream).await;
        stream.write_all(answer.as_bytes()).await.expect("open");
    })
    .await;
    let recorded = Recorded::http(address);
    let _ = call(recorded.wrap(pooled(false)), get(address)).await;
    recorded
}

/// Closes a connection with a reset.
fn reset(stream: TcpStream) {
    let stream = socket2::Socket::from(stream.into_std().expect("registered"));
    stream.set_linger(Some(Duration::ZERO)).expect("open");
}

#[tokio::test]
async fn a_complete_response_is_ok() {
    let recorded = answered("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await;
    recorded.assert_ended(CallOutcome::Ok, "");
    let text = recorded.text();
    assert!(text.contains("http_client_response_body_size_bytes_sum"), "{text}");
    assert!(text.contains("sre_kit_http_client_time_to_headers_seconds_count"), "{text}");
}

#[tokio::test]
async fn a_status_from_400_is_the_error_type() {
    let recorded = answered("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").await;
    recorded.assert_ended(CallOutcome::ClientError, "404");
    let recorded = answered("HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n").await;
    recorded.assert_ended(CallOutcome::Error, "500");
    let recorded = answered("HTTP/1.1 504 Slow\r\ncontent-length: 0\r\n\r\n").await;
    recorded.assert_ended(CallOutcome::Timeout, "504");
}

#[tokio::test]
async fn a_reset_before_the_head_is_no_response() {
    let address = listen(|mut stream| async move {
        read_request(&mut stream).await;
        reset(stream);
    })
    .await;
    let recorded = Recorded::http(address);
    call(recorded.wrap(pooled(false)), get(address)).await.expect_err("no response");
    recorded.assert_ended(CallOutcome::NoResponse, "reset");
}

#[tokio::test]
async fn a_reset_in_the_body_is_an_error() {
    let (seen, wait) = oneshot::channel::<()>();
    let wait = std::sync::Mutex::new(Some(wait));
    let address = listen(move |mut stream| {
        let wait = wait.lock().expect("unpoisoned").take();
        async move {
            read_request(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx").await.expect("open");
            // A reset can overtake the head.
            let _ = wait.expect("one connection").await;
            reset(stream);
        }
    })
    .await;
    let recorded = Recorded::http(address);
    let response = recorded.wrap(pooled(false)).oneshot(get(address)).await.expect("a head");
    let mut body = response.into_body();
    body.frame().await.expect("a frame").expect("the first byte");
    seen.send(()).expect("the server waits");
    body.frame().await.expect("an error").expect_err("reset");
    recorded.assert_ended(CallOutcome::Error, "reset");
}

#[tokio::test]
async fn a_connection_closed_unanswered_is_no_response() {
    answered("").await.assert_ended(CallOutcome::NoResponse, "closed");
}

#[tokio::test]
async fn a_body_shorter_than_declared_is_an_error() {
    let recorded = answered("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello").await;
    recorded.assert_ended(CallOutcome::Error, "closed");
}

#[tokio::test]
async fn a_body_without_its_last_chunk_is_an_error() {
    let recorded =
        answered("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n").await;
    recorded.assert_ended(CallOutcome::Error, "closed");
}

#[tokio::test]
async fn a_malformed_chunk_breaks_the_protocol() {
    let recorded = answered("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhe").await;
    recorded.assert_ended(CallOutcome::Error, "protocol");
}

#[tokio::test]
async fn an_answer_that_is_not_http_breaks_the_protocol() {
    answered("SSH-2.0-OpenSSH_9.9\r\n").await.assert_ended(CallOutcome::NoResponse, "protocol");
}

#[tokio::test(start_paused = true)]
async fn a_timeout_inside_of_the_layer_is_a_timeout() {
    let address = listen(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let recorded = Recorded::http(address);
    let client = ServiceBuilder::new().timeout(Duration::from_millis(20)).service(pooled(false));
    call(recorded.wrap(client), get(address)).await.expect_err("no answer");
    recorded.assert_ended(CallOutcome::Timeout, "timeout");
}

#[tokio::test]
async fn a_client_of_reqwest_is_recorded_to_the_end_of_the_body() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello";
    let address = listen(move |mut stream| async move {
        read_request(&mut stream).await;
        stream.write_all(answer.as_bytes()).await.expect("open");
    })
    .await;
    let recorded = Recorded::http(address);
    // An error means that another test has installed one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().expect("valid");
    let client = ServiceBuilder::new()
        .map_request(|request: http::Request<reqwest::Body>| {
            reqwest::Request::try_from(request).expect("a whole URL")
        })
        .map_response(http::Response::<reqwest::Body>::from)
        .service(client);
    let request = http::Request::get(format!("http://{address}/")).body(reqwest::Body::default());
    let response = recorded.wrap(client).oneshot(request.expect("valid")).await.expect("a head");
    assert_eq!(recorded.outbound.in_flight(), 1, "the body has not ended");
    response.into_body().collect().await.expect_err("too short");
    recorded.assert_ended(CallOutcome::Error, "closed");
}
