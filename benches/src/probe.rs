//! The cost of a probe in the process. `benches/health.rs` compares the kinds of probes.

use std::hint::black_box;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use http::Request;
use http_body::Body;
use sre_kit::health::{Check, CheckResult, Health, ProbeService};
use sre_kit::metrics::Registry;
use tokio::runtime::Builder;
use tower_service::Service;

use crate::alternate::percentile;

/// The number of probes in a batch.
const BATCH: usize = 128;

/// Returns the nanoseconds of a `/readyz` probe in the fastest of `rounds` batches, with one check
/// that has run.
///
/// # Panics
///
/// Panics if the runtime cannot be created.
pub fn measure(rounds: usize) -> f64 {
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    let check = Check::new("check", || async { CheckResult::Pass }).gate_readiness();
    let health = Health::builder().check(check).build(&Registry::new()).expect("valid");
    runtime.block_on(async {
        let loops = health.spawn();
        health.wait_ready().await;
        // The result stays valid during the measurement.
        loops.abort();
    });
    let mut service = health.service();
    let mut times: Vec<_> = (0..rounds)
        .map(|_| {
            let requests: Vec<_> = (0..BATCH)
                .map(|_| Request::get("/readyz").header("accept", "*/*").body(()).expect("valid"))
                .collect();
            let start = Instant::now();
            for request in requests {
                ask(&mut service, request);
            }
            start.elapsed().as_nanos() as f64 / BATCH as f64
        })
        .collect();
    percentile(&mut times, 0)
}

/// Sends one probe and reads the response to its end.
pub fn ask(service: &mut ProbeService, request: Request<()>) {
    let mut cx = Context::from_waker(Waker::noop());
    let mut future = std::pin::pin!(service.call(request));
    let Poll::Ready(Ok(response)) = future.as_mut().poll(&mut cx) else {
        unreachable!("a probe never waits")
    };
    let mut body = std::pin::pin!(black_box(response).into_body());
    while let Poll::Ready(Some(frame)) = body.as_mut().poll_frame(&mut cx) {
        let _ = black_box(frame);
    }
}
