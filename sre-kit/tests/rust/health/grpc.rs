//! gRPC health checking with tonic's own client, over loopback.

use std::net::Ipv4Addr;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use sre_kit::health::{CheckResult, GrpcHealth, Probe};
use sre_kit::metrics::Registry;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Server};
use tonic::{Code, Streaming};
use tonic_health::pb::health_check_response::ServingStatus::{
    self, NotServing, ServiceUnknown, Serving,
};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::health_server::Health as _;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use super::{Dial, builder, fail, pass, secs, settle, with};

struct Running {
    client: HealthClient<Channel>,
    server: JoinHandle<Result<(), tonic::transport::Error>>,
    stop: oneshot::Sender<()>,
}

/// A server that ends gracefully: it waits for every stream.
async fn serve(grpc: GrpcHealth) -> Running {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let addr = listener.local_addr().expect("bound");
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(
        Server::builder().add_service(grpc.into_server()).serve_with_incoming_shutdown(
            TcpIncoming::from(listener),
            async {
                let _ = stopped.await;
            },
        ),
    );
    let endpoint = Channel::from_shared(format!("http://{addr}")).expect("a URI");
    let client = HealthClient::new(endpoint.connect().await.expect("listening"));
    Running { client, server, stop }
}

fn name(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

impl Running {
    async fn check(&mut self, service: &str) -> Result<ServingStatus, Code> {
        let answer = self.client.check(name(service)).await;
        answer.map(|response| response.into_inner().status()).map_err(|status| status.code())
    }

    async fn watch(&mut self, service: &str) -> Streaming<HealthCheckResponse> {
        self.client.watch(name(service)).await.expect("a stream").into_inner()
    }
}

async fn next(stream: &mut Streaming<HealthCheckResponse>) -> Option<ServingStatus> {
    stream.message().await.expect("no error").map(|answer| answer.status())
}

/// Reads until `status` arrives. On a stalled machine results may become stale in between.
async fn until(stream: &mut Streaming<HealthCheckResponse>, status: ServingStatus) {
    while next(stream).await.expect("the stream is open") != status {}
}

#[tokio::test]
async fn check_returns_readiness_and_not_found_for_an_unknown_name() {
    let health = builder().build(&Registry::new()).expect("valid");
    let latch = health.latch("migrations");
    let grpc = health.grpc().service("shop.v1.Checkout").probe("liveness", Probe::Liveness);
    let mut running = serve(grpc.probe("startup", Probe::Startup)).await;
    health.spawn();
    for service in ["", "shop.v1.Checkout", "startup"] {
        assert_eq!(running.check(service).await, Ok(NotServing), "{service:?}");
    }
    assert_eq!(running.check("liveness").await, Ok(Serving));
    assert_eq!(running.check("shop.v1.Other").await, Err(Code::NotFound));
    latch.release();
    health.wait_ready().await;
    for service in ["", "shop.v1.Checkout", "startup", "liveness"] {
        assert_eq!(running.check(service).await, Ok(Serving), "{service:?}");
    }
    health.set_draining("SIGTERM");
    for (service, status) in [
        ("", NotServing),
        ("shop.v1.Checkout", NotServing),
        ("startup", Serving),
        ("liveness", Serving),
    ] {
        assert_eq!(running.check(service).await, Ok(status), "{service:?}");
    }
}

#[tokio::test]
async fn watch_tells_changes_over_the_wire_and_ends_when_the_server_drains() {
    let dial = Dial::new(CheckResult::Pass);
    let check = dial.check("disk").interval(Duration::from_millis(50)).rise(1).fall(1);
    let health = with(check.gate_readiness());
    health.spawn();
    health.wait_ready().await;
    let mut running = serve(health.grpc()).await;
    let mut stream = running.watch("").await;
    until(&mut stream, Serving).await;
    dial.set(fail());
    until(&mut stream, NotServing).await;
    dial.set(CheckResult::Pass);
    until(&mut stream, Serving).await;
    health.set_draining("SIGTERM");
    let mut last = Serving;
    while let Some(status) = next(&mut stream).await {
        last = status;
    }
    assert_eq!(last, NotServing, "said before the stream ended");
    let mut late = running.watch("").await;
    assert_eq!(next(&mut late).await, Some(NotServing));
    assert_eq!(next(&mut late).await, None);
}

#[tokio::test(start_paused = true)]
async fn watch_sends_each_change_once_and_also_when_results_become_stale() {
    let dial = Dial::new(CheckResult::Pass);
    let health = with(dial.check("disk").gate_readiness());
    let request = tonic::Request::new(name(""));
    let mut stream = health.grpc().watch(request).await.expect("a stream").into_inner();
    let mut next_status = || {
        let answer = stream.next().now_or_never();
        answer.map(|answer| answer.map(|answer| answer.expect("no error").status()))
    };
    assert_eq!(next_status(), Some(Some(NotServing)), "nothing runs yet");
    assert_eq!(next_status(), None);
    let handle = health.spawn();
    settle().await;
    assert_eq!(next_status(), Some(Some(Serving)));
    dial.set(fail());
    for expected in [None, None, Some(Some(NotServing)), None] {
        pass(secs(10)).await;
        assert_eq!(next_status(), expected);
    }
    dial.set(CheckResult::Pass);
    for expected in [None, Some(Some(Serving)), None] {
        pass(secs(10)).await;
        assert_eq!(next_status(), expected);
    }
    handle.abort();
    pass(secs(32)).await;
    assert_eq!(next_status(), None, "the last result still counts");
    pass(Duration::from_millis(2)).await;
    assert_eq!(next_status(), Some(Some(NotServing)), "stale, without a result to say so");
    health.spawn();
    settle().await;
    assert_eq!(next_status(), Some(Some(Serving)));
    health.set_draining("SIGTERM");
    assert_eq!(next_status(), Some(Some(NotServing)));
    assert_eq!(next_status(), Some(None), "the stream ends");
}

#[tokio::test]
async fn watching_a_stranger_stays_open_until_the_server_drains() {
    let health = builder().build(&Registry::new()).expect("valid");
    health.spawn();
    health.wait_ready().await;
    let mut running = serve(health.grpc()).await;
    let mut stream = running.watch("shop.v1.Other").await;
    assert_eq!(next(&mut stream).await, Some(ServiceUnknown));
    {
        let mut more = std::pin::pin!(next(&mut stream));
        // A round trip on the same connection: an end of the stream would have arrived before it.
        assert_eq!(running.check("").await, Ok(Serving));
        assert!(futures_util::poll!(more.as_mut()).is_pending(), "the stream is open");
        health.set_draining("SIGTERM");
        assert_eq!(more.await, None);
    }
}

#[tokio::test]
async fn an_open_watch_does_not_hold_up_the_shutdown() {
    let health = builder().build(&Registry::new()).expect("valid");
    health.spawn();
    health.wait_ready().await;
    let mut running = serve(health.grpc()).await;
    let mut streams = Vec::new();
    for service in ["", "", "unknown"] {
        let mut stream = running.watch(service).await;
        next(&mut stream).await;
        streams.push(stream);
    }
    health.set_draining("SIGTERM");
    running.stop.send(()).expect("serving");
    running.server.await.expect("no panic").expect("ended by itself");
    drop(streams);
}

#[tokio::test]
async fn a_watch_of_liveness_follows_the_heartbeats() {
    let health = builder().build(&Registry::new()).expect("valid");
    let mut running = serve(health.grpc().probe("liveness", Probe::Liveness)).await;
    let mut stream = running.watch("liveness").await;
    assert_eq!(next(&mut stream).await, Some(Serving));
    let heart = health.heartbeat("consumer", Duration::from_millis(1)).expect("valid");
    assert_eq!(next(&mut stream).await, Some(NotServing));
    heart.stop();
    assert_eq!(next(&mut stream).await, Some(Serving));
}
