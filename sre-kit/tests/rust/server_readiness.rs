//! Services that are not ready, behind a server.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use http::{Request, Response, StatusCode};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use sre_kit::metrics::{Registry, TextFormat};
use sre_kit::server::{
    ConnectionMetrics, HttpService, RequestBody, RunningServer, Server, ServerBuilder,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tower::ServiceBuilder;
use tower_service::Service;

use crate::server::{get, soon};

type Client = http1::SendRequest<Empty<bytes::Bytes>>;

async fn start(
    service: impl HttpService + Sync,
    settings: impl FnOnce(ServerBuilder) -> ServerBuilder,
) -> (RunningServer, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let address = listener.local_addr().expect("bound");
    let server = settings(Server::builder()).build().expect("valid");
    (server.start(listener, service), address)
}

async fn connect(address: SocketAddr) -> Client {
    let socket = TcpStream::connect(address).await.expect("accepting");
    let (client, connection) = http1::handshake(TokioIo::new(socket)).await.expect("connected");
    tokio::spawn(connection);
    client
}

async fn ok(client: &mut Client, path: &str) {
    let response = soon(client.send_request(get(path))).await.expect("answered");
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_request_waits_for_a_service_that_is_not_ready_and_an_idle_connection_keeps_no_place() {
    let (entered, leave) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let handler = {
        let (entered, leave) = (Arc::clone(&entered), Arc::clone(&leave));
        tower::service_fn(move |request: Request<RequestBody>| {
            let (entered, leave) = (Arc::clone(&entered), Arc::clone(&leave));
            async move {
                if request.uri().path() == "/held" {
                    entered.notify_one();
                    leave.notified().await;
                }
                Ok::<_, Infallible>(Response::new(Empty::<bytes::Bytes>::new()))
            }
        })
    };
    let limited = ServiceBuilder::new()
        .layer(tower::limit::GlobalConcurrencyLimitLayer::new(1))
        .service(handler);
    let (_running, address) = start(limited, |server| server).await;
    let (mut first, mut second) = (connect(address).await, connect(address).await);

    for _ in 0..2 {
        let held = first.send_request(get("/held"));
        let held = tokio::spawn(held);
        soon(entered.notified()).await;
        // The only place is taken.
        let waits = second.send_request(get("/"));
        tokio::pin!(waits);
        tokio::select! {
            biased;
            _ = &mut waits => panic!("it has to wait"),
            () = tokio::task::yield_now() => {}
        }
        leave.notify_one();
        soon(held).await.expect("no panic").expect("answered");
        assert_eq!(soon(waits).await.expect("answered").status(), StatusCode::OK);
        // The second connection is idle, and both go on.
        ok(&mut first, "/").await;
        ok(&mut second, "/").await;
    }
}

/// A service that fails to become ready while it is broken.
#[derive(Clone, Debug, Default)]
struct Fragile {
    broken: Arc<AtomicBool>,
    failed: bool,
}

impl Service<Request<RequestBody>> for Fragile {
    type Response = Response<Empty<bytes::Bytes>>;
    type Error = std::io::Error;
    type Future = std::future::Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        assert!(!self.failed, "a service that has failed is not polled again");
        if self.broken.load(Ordering::Relaxed) {
            self.failed = true;
            return Poll::Ready(Err(std::io::Error::other("broken")));
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<RequestBody>) -> Self::Future {
        assert!(!self.failed, "a service that has failed is not called");
        std::future::ready(Ok(Response::new(Empty::new())))
    }
}

#[tokio::test]
async fn a_service_that_fails_ends_the_connection_and_the_next_one_is_served() {
    let fragile = Fragile::default();
    let registry = Registry::new();
    let metrics = ConnectionMetrics::new(&registry).expect("fresh");
    let (_running, address) = start(fragile.clone(), |server| server.metrics(&metrics)).await;
    let mut client = connect(address).await;
    ok(&mut client, "/").await;
    fragile.broken.store(true, Ordering::Relaxed);
    soon(client.send_request(get("/"))).await.expect_err("the connection ends");
    fragile.broken.store(false, Ordering::Relaxed);
    ok(&mut connect(address).await, "/").await;
    let mut text = String::new();
    registry.encode_text(&mut text, TextFormat::Prometheus);
    for (kind, count) in [("service_error", 1), ("panic", 0)] {
        let line = format!(
            "http_server_connection_errors_total{{listener=\"main\",error_type=\"{kind}\"}} {count}"
        );
        assert!(text.contains(&line), "{line} in\n{text}");
    }
}
