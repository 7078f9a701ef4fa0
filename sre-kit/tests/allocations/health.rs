//! What a probe costs: memory for its header map, and nothing that grows with the checks.

use std::task::{Context, Poll, Waker};

use http::Request;
use http_body::Body;
use sre_kit::health::{Check, Health, ProbeService};
use sre_kit::metrics::Registry;
use tower::Service;

/// Asks once, to the end of the body, on this thread.
fn ask(service: &mut ProbeService, request: Request<()>) -> u16 {
    let mut cx = Context::from_waker(Waker::noop());
    let mut future = std::pin::pin!(service.call(request));
    let Poll::Ready(Ok(response)) = future.as_mut().poll(&mut cx) else {
        panic!("a probe never waits")
    };
    let status = response.status().as_u16();
    let mut body = std::pin::pin!(response.into_body());
    while let Poll::Ready(Some(_)) = body.as_mut().poll_frame(&mut cx) {}
    status
}

/// Allocations of one passing probe of a service with `checks` checks that gate readiness.
fn allocations(checks: usize, path: &str) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a runtime");
    let mut builder = Health::builder();
    for i in 0..checks {
        builder = builder.check(Check::new(format!("check-{i}"), || async {}).gate_readiness());
    }
    let health = builder.build(&Registry::new()).expect("valid");
    runtime.block_on(async {
        health.spawn();
        health.wait_ready().await;
    });
    let mut service = health.service();
    let mut requests = (0..101)
        .map(|_| Request::get(path).header("accept", "*/*").body(()).expect("valid"))
        .collect::<Vec<_>>();
    assert_eq!(ask(&mut service, requests.pop().expect("101")), 200);
    let counted = allocation_counter::measure(|| {
        for request in requests {
            ask(&mut service, request);
        }
    });
    assert_eq!(counted.count_total % 100, 0, "each probe costs the same");
    counted.count_total / 100
}

#[test]
fn a_passing_probe_allocates_its_header_map_and_nothing_per_check() {
    for path in ["/livez", "/readyz", "/startupz"] {
        assert_eq!(allocations(0, path), 2, "{path}: `http::HeaderMap` is two tables");
        assert_eq!(allocations(100, path), 2, "{path}");
    }
}
