//! The causes of failed calls over HTTP/2.

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, server};
use http::Response;
use http_body_util::BodyExt;
use sre_kit::outbound::CallOutcome;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::ServiceExt;

use super::{Recorded, call, get, listen, pooled};

/// Calls a server of HTTP/2 that lets `answer` answer each stream.
pub(super) async fn answered(
    answer: impl Fn(SendResponse<Bytes>) + Copy + Send + 'static,
) -> Recorded {
    let address = listen(move |stream| async move {
        let Ok(mut connection) = server::handshake(stream).await else { return };
        while let Some(Ok((_, respond))) = connection.accept().await {
            answer(respond);
        }
    })
    .await;
    let recorded = Recorded::http(address);
    let _ = call(recorded.wrap(pooled(true)), get(address)).await;
    recorded
}

/// Answers with a head that declares `length`, and the first of its bytes.
fn begin(mut respond: SendResponse<Bytes>, length: Option<&str>) -> h2::SendStream<Bytes> {
    let mut response = Response::builder();
    if let Some(length) = length {
        response = response.header("content-length", length);
    }
    let mut stream = respond.send_response(response.body(()).expect("valid"), false).expect("open");
    stream.send_data(Bytes::from_static(b"x"), false).expect("open");
    stream
}

#[tokio::test]
async fn a_complete_response_is_ok() {
    let recorded = answered(|respond| {
        begin(respond, None).send_data(Bytes::new(), true).expect("open");
    });
    recorded.await.assert_ended(CallOutcome::Ok, "");
}

#[tokio::test]
async fn a_refused_stream_is_safe_to_send_again() {
    let recorded = answered(|mut respond| respond.send_reset(Reason::REFUSED_STREAM)).await;
    recorded.assert_ended(CallOutcome::NoResponse, "refused");
}

#[tokio::test]
async fn a_connection_that_goes_away_without_an_error_refuses_the_request() {
    const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    const GOAWAY: [u8; 17] = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let address = listen(|mut stream| async move {
        let mut preface = [0; 24];
        stream.read_exact(&mut preface).await.expect("a preface");
        stream.write_all(&SETTINGS).await.expect("open");
        // The head of a frame is its length, its type, flags and the stream.
        let mut head = [0; 9];
        while head[3] != 1 {
            stream.read_exact(&mut head).await.expect("a frame");
            let length = usize::from(head[1]) << 8 | usize::from(head[2]);
            stream.read_exact(&mut vec![0; length]).await.expect("a payload");
        }
        stream.write_all(&GOAWAY).await.expect("open");
        std::future::pending::<()>().await;
    })
    .await;
    let recorded = Recorded::http(address);
    call(recorded.wrap(pooled(true)), get(address)).await.expect_err("refused");
    recorded.assert_ended(CallOutcome::NoResponse, "refused");
}

#[tokio::test]
async fn a_stream_reset_before_the_head_is_no_response() {
    let recorded = answered(|mut respond| respond.send_reset(Reason::INTERNAL_ERROR)).await;
    recorded.assert_ended(CallOutcome::NoResponse, "reset");
}

#[tokio::test]
async fn a_stream_reset_in_the_body_is_an_error() {
    let recorded =
        answered(|respond| begin(respond, None).send_reset(Reason::INTERNAL_ERROR)).await;
    // The reset can overtake the head.
    let ended = [CallOutcome::Error, CallOutcome::NoResponse];
    let outcome = ended.into_iter().find(|&outcome| recorded.outbound.ended(outcome) == 1);
    recorded.assert_ended(outcome.expect("one of both"), "reset");
}

#[tokio::test]
async fn a_stream_that_ends_before_its_declared_length_is_closed() {
    let (seen, wait) = tokio::sync::oneshot::channel::<()>();
    let wait = std::sync::Mutex::new(Some(wait));
    let address = listen(move |stream| {
        let wait = wait.lock().expect("unpoisoned").take().expect("one connection");
        async move {
            let mut connection = server::handshake(stream).await.expect("HTTP/2");
            let (_, respond) = connection.accept().await.expect("open").expect("a request");
            let mut stream = begin(respond, Some("9"));
            tokio::spawn(async move {
                // A reset can overtake the head.
                let _ = wait.await;
                // hyper reads this reset as the end of the body.
                stream.send_reset(Reason::NO_ERROR);
            });
            while connection.accept().await.is_some() {}
        }
    })
    .await;
    let recorded = Recorded::http(address);
    let response = recorded.wrap(pooled(true)).oneshot(get(address)).await.expect("a head");
    let mut body = response.into_body();
    body.frame().await.expect("a frame").expect("the first byte");
    seen.send(()).expect("the server waits");
    assert!(body.frame().await.is_none(), "hyper shows no error");
    recorded.assert_ended(CallOutcome::Error, "closed");
}

#[tokio::test]
async fn a_server_that_does_not_speak_http2_breaks_the_protocol() {
    let address = listen(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n").await;
    })
    .await;
    let recorded = Recorded::http(address);
    call(recorded.wrap(pooled(true)), get(address)).await.expect_err("no HTTP/2");
    // Whether the answer or the end of the connection is read first is a race.
    let text = recorded.text();
    let known = ["protocol", "closed", "reset"];
    let cause = known.into_iter().find(|cause| text.contains(&format!("error_type=\"{cause}\"")));
    recorded.assert_ended(CallOutcome::NoResponse, cause.expect("one of the three"));
}
