//! What a call to a declared peer costs in allocations once its series exist: nothing.

use std::convert::Infallible;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use sre_kit::metrics::Registry;
use sre_kit::outbound::{CallOutcome, Outbound, OutboundLayer, Peer};
use tower::{Layer, Service, service_fn};

/// The allocations of 100 calls through `layer`, some of which are dropped.
fn measured(layer: &OutboundLayer) -> u64 {
    let mut service = layer.layer(service_fn(|request: Request<Full<Bytes>>| {
        let status = if request.uri().path() == "/v1/charges/1" { 200 } else { 503 };
        let body = Full::new(Bytes::from_static(b"hello"));
        let response = Response::builder().status(status).body(body).expect("valid");
        std::future::ready(Ok::<_, Infallible>(response))
    }));
    let request = |path: &str| {
        let url = format!("https://payments.internal:8443{path}");
        Request::get(url).body(Full::new(Bytes::from_static(b"x"))).expect("valid")
    };
    let mut drive = |request: Request<Full<Bytes>>| {
        let mut cx = Context::from_waker(Waker::noop());
        let mut future = pin!(service.call(request));
        let Poll::Ready(Ok(response)) = future.as_mut().poll(&mut cx) else {
            panic!("the service is ready at once")
        };
        let mut body = pin!(response.into_body());
        while let Poll::Ready(Some(_)) = body.as_mut().poll_frame(&mut cx) {}
    };
    let paths = ["/v1/charges/1", "/v1/charges/2", "/else"];
    for path in paths {
        drive(request(path));
    }
    let requests: Vec<_> = (0..100).flat_map(|_| paths.map(request)).collect();
    allocation_counter::measure(|| requests.into_iter().for_each(&mut drive)).count_total
}

fn outbound() -> Outbound {
    let others =
        (0..7).map(|i| Peer::http(format!("p{i}"), &format!("http://p{i}")).expect("valid"));
    let payments = Peer::http("payments", "https://payments.internal:8443").expect("valid");
    let payments = payments.routes(["/v1/charges/{id}"]);
    Outbound::new(&Registry::new(), others.chain([payments])).expect("valid")
}

#[test]
fn a_call_to_a_declared_peer_allocates_nothing() {
    let outbound = outbound();
    assert_eq!(measured(&outbound.peer("payments").expect("declared").layer()), 0);
    assert_eq!(outbound.ended(CallOutcome::Ok), 101);
    assert_eq!(outbound.ended(CallOutcome::Error), 202);
}

#[test]
fn a_call_that_is_found_by_its_authority_allocates_nothing() {
    assert_eq!(measured(&outbound().layer()), 0);
}
