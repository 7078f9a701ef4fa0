//! The causes of calls for which no connection could be opened.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::{TokioExecutor, TokioIo};
use sre_kit::outbound::{CallOutcome, Marked, Peer};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tower::service_fn;

use super::{Recorded, call, get, listen, pooled};

/// An address where nothing listens.
async fn closed_port() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    listener.local_addr().expect("bound")
}

#[tokio::test]
async fn a_refused_connection_has_the_cause_connect() {
    let address = closed_port().await;
    let recorded = Recorded::http(address);
    call(recorded.wrap(pooled(false)), get(address)).await.expect_err("refused");
    recorded.assert_ended(CallOutcome::NoResponse, "connect");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_connection_that_is_not_answered_is_a_timeout() {
    use socket2::{Domain, Socket, Type};
    // The kernel drops attempts to connect once the queue of a listener is full.
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    listener.bind(&"127.0.0.1:0".parse::<SocketAddr>().expect("valid").into()).expect("free");
    listener.listen(0).expect("listens");
    let address = listener.local_addr().expect("bound").as_socket().expect("IPv4");
    let _queued = TcpStream::connect(address).await.expect("the queue takes one");
    let recorded = Recorded::http(address);
    let mut connector = HttpConnector::new();
    connector.set_connect_timeout(Some(Duration::from_millis(100)));
    let client = Client::builder(TokioExecutor::new()).build(connector);
    call(recorded.wrap(client), get(address)).await.expect_err("not answered");
    recorded.assert_ended(CallOutcome::Timeout, "timeout");
}

#[tokio::test]
async fn a_marked_resolver_tells_that_a_name_was_not_resolved() {
    let failing = || {
        service_fn(|_: Name| async {
            Err::<std::vec::IntoIter<SocketAddr>, _>(io::Error::other("no"))
        })
    };
    let peer = || Peer::http("peer", "http://payments.internal").expect("valid");
    let request = || http::Request::get("http://payments.internal/").body(Full::<Bytes>::default());

    let marked = HttpConnector::new_with_resolver(Marked::dns(failing()));
    let client = Client::builder(TokioExecutor::new()).build(Marked::tcp(marked));
    let recorded = Recorded::new(peer());
    let error = call(recorded.wrap(client), request().expect("valid")).await.expect_err("no name");
    recorded.assert_ended(CallOutcome::NoResponse, "dns");
    assert!(error.is::<hyper_util::client::legacy::Error>(), "{error:?}");

    // Without the mark no type says it.
    let unmarked = HttpConnector::new_with_resolver(failing());
    let client = Client::builder(TokioExecutor::new()).build(unmarked);
    let recorded = Recorded::new(peer());
    call(recorded.wrap(client), request().expect("valid")).await.expect_err("no name");
    recorded.assert_ended(CallOutcome::NoResponse, "connect");
}

/// Connects with TLS. It never succeeds, so the connection is that of TCP.
async fn connect_tls(uri: Uri) -> io::Result<TokioIo<TcpStream>> {
    let authority = uri.authority().expect("absolute").as_str();
    let stream = TcpStream::connect(authority).await?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("supported")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let name = "localhost".try_into().expect("a name");
    tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    panic!("the server does not speak TLS")
}

#[tokio::test]
async fn a_failed_handshake_has_the_cause_tls() {
    let address = listen(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.expect("open");
    })
    .await;
    let client = Client::builder(TokioExecutor::new())
        .build(Marked::tls(service_fn(|uri| Box::pin(connect_tls(uri)))));
    let recorded = Recorded::http(address);
    call(recorded.wrap(client), get(address)).await.expect_err("no TLS");
    recorded.assert_ended(CallOutcome::NoResponse, "tls");
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn an_error_of_rustls_has_the_cause_tls_without_a_mark() {
    let address = listen(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.expect("open");
    })
    .await;
    let client =
        Client::builder(TokioExecutor::new()).build(service_fn(|uri| Box::pin(connect_tls(uri))));
    let recorded = Recorded::http(address);
    call(recorded.wrap(client), get(address)).await.expect_err("no TLS");
    recorded.assert_ended(CallOutcome::NoResponse, "tls");
}

#[tokio::test]
async fn the_innermost_mark_names_the_phase() {
    let address = closed_port().await;
    let client =
        Client::builder(TokioExecutor::new()).build(Marked::tls(Marked::tcp(HttpConnector::new())));
    let recorded = Recorded::http(address);
    call(recorded.wrap(client), get(address)).await.expect_err("refused");
    recorded.assert_ended(CallOutcome::NoResponse, "connect");
}
