//! Calls to other services: real clients against scripted servers on the loopback interface.

mod causes_http1;
mod causes_http2;
mod connecting;
mod declarations;
mod dependency_slos;
mod ends;
mod grpc;
mod order;
mod stress;
mod trace_context;

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use sre_kit::metrics::{Registry, TextFormat};
use sre_kit::outbound::{CallOutcome, Outbound, OutboundService, Peer};
use tokio::net::{TcpListener, TcpStream};
use tower::{BoxError, Layer, Service, ServiceExt};

pub(crate) type Pooled = Client<HttpConnector, Full<Bytes>>;

/// A recorder with one peer, and its registry.
pub(crate) struct Recorded {
    pub(crate) registry: Registry,
    pub(crate) outbound: Outbound,
}

impl Recorded {
    pub(crate) fn new(peer: Peer) -> Self {
        let registry = Registry::new();
        let outbound = Outbound::new(&registry, [peer]).expect("valid");
        Self { registry, outbound }
    }

    pub(crate) fn http(address: SocketAddr) -> Self {
        Self::new(Peer::http("peer", &format!("http://{address}")).expect("valid"))
    }

    pub(crate) fn wrap<S>(&self, client: S) -> OutboundService<S> {
        self.outbound.peer("peer").expect("declared").layer().layer(client)
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        self.registry.encode_text(&mut text, TextFormat::Prometheus);
        text
    }

    /// Checks that one call has ended, in this outcome and with this error type.
    #[track_caller]
    pub(crate) fn assert_ended(&self, outcome: CallOutcome, error_type: &str) {
        let ended: Vec<_> =
            CallOutcome::ALL.into_iter().filter(|&o| self.outbound.ended(o) > 0).collect();
        let text = self.text();
        let durations: Vec<_> =
            text.lines().filter(|line| line.contains("_duration_seconds_count{")).collect();
        assert_eq!(ended, [outcome], "{durations:?}");
        assert_eq!((self.outbound.started(), self.outbound.in_flight()), (1, 0));
        let [duration] = durations[..] else { panic!("{durations:?}") };
        let label = format!("error_type=\"{error_type}\"");
        assert_eq!(duration.contains("error_type"), !error_type.is_empty(), "{duration}");
        assert!(error_type.is_empty() || duration.contains(&label), "{duration}");
    }
}

/// Returns a pooled client of HTTP/1 or HTTP/2.
pub(crate) fn pooled(http2: bool) -> Pooled {
    Client::builder(TokioExecutor::new()).http2_only(http2).build(HttpConnector::new())
}

pub(crate) fn get(address: SocketAddr) -> Request<Full<Bytes>> {
    Request::get(format!("http://{address}/")).body(Full::default()).expect("valid")
}

/// Sends a request and reads the response to its end.
pub(crate) async fn call<S, C>(service: S, request: Request<Full<Bytes>>) -> Result<Bytes, BoxError>
where
    S: Service<Request<Full<Bytes>>, Response = Response<C>, Error = BoxError>,
    C: Body<Data = Bytes, Error = BoxError>,
{
    let response = service.oneshot(request).await?;
    Ok(response.into_body().collect().await?.to_bytes())
}

/// Listens, and lets `serve` have each connection.
pub(crate) async fn listen<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}
