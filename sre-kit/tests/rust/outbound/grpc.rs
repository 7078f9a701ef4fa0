//! gRPC calls, whose status is in the head, in the trailers, or missing.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use h2::server;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use sre_kit::outbound::{CallOutcome, Peer};
use tower::ServiceExt;

use super::{Recorded, call, listen, pooled};

/// Serves gRPC calls that have this status in the head, and this one in the trailers.
async fn serve(in_head: Option<&'static str>, in_trailers: Option<&'static str>) -> SocketAddr {
    listen(move |stream| async move {
        let Ok(mut connection) = server::handshake(stream).await else { return };
        while let Some(Ok((_, mut respond))) = connection.accept().await {
            let mut response = Response::builder().header("content-type", "application/grpc");
            if let Some(status) = in_head {
                response = response.header("grpc-status", status);
            }
            let response = response.body(()).expect("valid");
            let mut stream = respond.send_response(response, in_head.is_some()).expect("open");
            if in_head.is_none() {
                let message = Bytes::from_static(b"\0\0\0\0\0");
                stream.send_data(message, in_trailers.is_none()).expect("open");
            }
            if let Some(status) = in_trailers {
                let mut trailers = HeaderMap::new();
                trailers.insert("grpc-status", status.parse().expect("valid"));
                stream.send_trailers(trailers).expect("open");
            }
        }
    })
    .await
}

fn recorded(address: SocketAddr) -> Recorded {
    let peer = Peer::grpc("peer", &format!("http://{address}")).expect("valid");
    Recorded::new(peer.methods(["shop.Stock/Reserve"]))
}

fn request(address: SocketAddr, method: &str) -> Request<Full<Bytes>> {
    Request::post(format!("http://{address}/{method}"))
        .header("content-type", "application/grpc")
        .body(Full::default())
        .expect("valid")
}

async fn ended(in_head: Option<&'static str>, in_trailers: Option<&'static str>) -> Recorded {
    let address = serve(in_head, in_trailers).await;
    let recorded = recorded(address);
    let request = request(address, "shop.Stock/Reserve");
    call(recorded.wrap(pooled(true)), request).await.expect("complete");
    let text = recorded.text();
    for label in ["rpc_system_name=\"grpc\"", "rpc_method=\"shop.Stock/Reserve\""] {
        let found = text.lines().any(|line| {
            line.starts_with("rpc_client_call_duration_seconds_count") && line.contains(label)
        });
        assert!(found, "{label}: {text}");
    }
    recorded
}

#[tokio::test]
async fn a_status_in_the_trailers_is_that_of_the_call() {
    ended(None, Some("0")).await.assert_ended(CallOutcome::Ok, "");
    ended(None, Some("14")).await.assert_ended(CallOutcome::Error, "UNAVAILABLE");
    ended(None, Some("4")).await.assert_ended(CallOutcome::Timeout, "DEADLINE_EXCEEDED");
    // Every code but OK is an error for a client.
    ended(None, Some("5")).await.assert_ended(CallOutcome::ClientError, "NOT_FOUND");
    let recorded = ended(None, Some("0")).await;
    assert!(recorded.text().contains("rpc_response_status_code=\"OK\""));
}

#[tokio::test]
async fn a_status_in_the_head_is_that_of_the_call() {
    ended(Some("14"), None).await.assert_ended(CallOutcome::Error, "UNAVAILABLE");
}

#[tokio::test]
async fn a_call_without_a_status_is_unknown() {
    ended(None, None).await.assert_ended(CallOutcome::Error, "UNKNOWN");
}

#[tokio::test]
async fn a_method_that_is_not_declared_shares_a_label() {
    let address = serve(None, Some("0")).await;
    let recorded = recorded(address);
    for method in ["shop.Stock/A", "shop.Stock/B"] {
        let request = request(address, method);
        call(recorded.wrap(pooled(true)), request).await.expect("complete");
    }
    let text = recorded.text();
    assert!(text.contains("rpc_method=\"_OTHER\""), "{text}");
    assert!(!text.contains("Stock/A"), "{text}");
}

#[tokio::test]
async fn a_timeout_of_a_tonic_channel_is_a_timeout() {
    let address = listen(|stream| async move {
        let Ok(mut connection) = server::handshake(stream).await else { return };
        let mut kept = Vec::new();
        while let Some(Ok(accepted)) = connection.accept().await {
            kept.push(accepted);
        }
    })
    .await;
    let channel = tonic::transport::Endpoint::from_shared(format!("http://{address}"))
        .expect("valid")
        .timeout(Duration::from_millis(50))
        .connect_lazy();
    let recorded = recorded(address);
    let request = Request::post(format!("http://{address}/shop.Stock/Reserve"))
        .body(tonic::body::Body::empty())
        .expect("valid");
    recorded.wrap(channel).oneshot(request).await.expect_err("too slow");
    recorded.assert_ended(CallOutcome::Timeout, "timeout");
}

#[tokio::test]
async fn a_tonic_channel_that_cannot_connect_has_no_response() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    let channel = tonic::transport::Endpoint::from_shared(format!("http://{address}"));
    let channel = channel.expect("valid").connect_lazy();
    let recorded = recorded(address);
    let request = Request::post(format!("http://{address}/shop.Stock/Reserve"))
        .body(tonic::body::Body::empty())
        .expect("valid");
    recorded.wrap(channel).oneshot(request).await.expect_err("refused");
    recorded.assert_ended(CallOutcome::NoResponse, "connect");
}

#[tokio::test]
async fn a_call_through_a_tonic_channel_ends_at_its_trailers() {
    let address = serve(None, Some("14")).await;
    let channel = tonic::transport::Endpoint::from_shared(format!("http://{address}"));
    let recorded = recorded(address);
    let request = Request::post(format!("http://{address}/shop.Stock/Reserve"))
        .body(tonic::body::Body::empty())
        .expect("valid");
    let service = recorded.wrap(channel.expect("valid").connect_lazy());
    let response = service.oneshot(request).await.expect("a head");
    assert_eq!(recorded.outbound.in_flight(), 1);
    response.into_body().collect().await.expect("no error at all");
    recorded.assert_ended(CallOutcome::Error, "UNAVAILABLE");
}
