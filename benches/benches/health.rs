//! The cost of a probe in the process, without a socket.
//!
//! ```text
//! cargo bench -p sre-kit-benches --bench health
//! ```
//!
//! The target is 5 µs. Each case runs with one check and with a hundred; the cost of a plain probe
//! must not depend on that number.

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use http::Request;
use sre_kit::health::{Check, CheckResult, Health};
use sre_kit::metrics::Registry;
use sre_kit_benches::probe::ask;
use tokio::runtime::{Builder, Runtime};

/// Returns a ready service, all checks of which have run.
fn ready(runtime: &Runtime, checks: usize) -> Health {
    let mut builder = Health::builder();
    for i in 0..checks {
        let check = Check::new(format!("check-{i}"), || async { CheckResult::Pass });
        builder = builder.check(check.gate_readiness());
    }
    let health = builder.build(&Registry::new()).expect("the settings are valid");
    runtime.block_on(async {
        let loops = health.spawn();
        health.wait_ready().await;
        // A result is valid for 32 s, so that no check runs during the measurement.
        loops.abort();
    });
    health
}

fn probes(c: &mut Criterion) {
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    let mut group = c.benchmark_group("probe");
    for checks in [1, 100] {
        for (name, target, accept) in [
            ("livez", "/livez", "*/*"),
            ("readyz", "/readyz", "*/*"),
            ("readyz one check", "/readyz/check-0", "*/*"),
            ("readyz verbose", "/readyz?verbose", "*/*"),
            ("readyz health+json", "/readyz", "application/health+json"),
        ] {
            let mut service = ready(&runtime, checks).service();
            let request =
                || Request::get(target).header("accept", accept).body(()).expect("a request");
            group.bench_function(BenchmarkId::new(name, checks), |b| {
                b.iter_batched(
                    request,
                    |request| ask(&mut service, request),
                    BatchSize::SmallInput,
                );
            });
        }
        let health = ready(&runtime, checks);
        health.set_draining("the benchmark");
        let mut service = health.service();
        let request =
            || Request::get("/readyz").header("accept", "*/*").body(()).expect("a request");
        group.bench_function(BenchmarkId::new("readyz draining", checks), |b| {
            b.iter_batched(request, |request| ask(&mut service, request), BatchSize::SmallInput);
        });
    }
    group.finish();
}

fn snapshots(c: &mut Criterion) {
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    let health = ready(&runtime, 100);
    let heart = health.heartbeat("loop", std::time::Duration::from_mins(1)).expect("valid");
    c.bench_function("snapshot", |b| b.iter(|| black_box(health.snapshot())));
    c.bench_function("is_ready", |b| b.iter(|| black_box(health.is_ready())));
    c.bench_function("beat", |b| b.iter(|| heart.beat()));
}

criterion_group!(benches, probes, snapshots);
criterion_main!(benches);
