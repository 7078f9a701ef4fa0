//! The cost of one request with each middleware, with criterion.
//!
//! ```text
//! cargo bench -p sre-kit-benches --bench middleware                             # everything
//! cargo bench -p sre-kit-benches --bench middleware -- layer/                   # one group
//! cargo bench -p sre-kit-benches --bench middleware -- --save-baseline before
//! cargo bench -p sre-kit-benches --bench middleware -- --baseline before
//! ```
//!
//! The variants are those of `cargo xtask bench`. Criterion runs one after the other, so the load of
//! the machine differs between them; the published ratios come from `cargo xtask bench`, which
//! alternates each variant with its baseline. A baseline of criterion is good for finding what a
//! change of the code does.

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sre_kit_benches::variants::all;
use sre_kit_benches::{Mix, Variant};

/// The requests of a batch, which are made outside of the measured time.
const BATCH: u64 = 128;

/// The groups, and the variants of each.
const GROUPS: [(&str, &[&str]); 4] = [
    (
        "layer",
        &[
            "bare",
            "wrap-clock-std",
            "sre-kit",
            "sre-kit-table",
            "tikv",
            "prometheus-client",
            "tower-otel",
            "opentelemetry-instrumentation-tower",
        ],
    ),
    (
        "axum",
        &[
            "axum-bare",
            "axum-identity",
            "axum-sre-kit",
            "axum-prometheus",
            "axum-tower-otel",
            "axum-opentelemetry-instrumentation-tower",
        ],
    ),
    (
        "traces",
        &[
            "bare",
            "sre-kit, traces 0 %",
            "sre-kit, traces 1 %",
            "sre-kit, traces 100 %",
            "TraceLayer, 0 %",
            "TraceLayer, 1 %",
            "TraceLayer, 100 %",
        ],
    ),
    ("admission", &["bare", "admission, fixed", "admission, gradient"]),
];

fn middleware(c: &mut Criterion) {
    // Once per process: some of them install global recorders.
    let variants = all();
    for (name, members) in GROUPS {
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Elements(1));
        for member in members {
            let variant = variants.iter().find(|variant| variant.name == *member);
            let variant = variant.unwrap_or_else(|| panic!("there is no variant {member:?}"));
            group.bench_function(*member, |b| b.iter_custom(|requests| serve(variant, requests)));
        }
        group.finish();
    }
}

/// Serves `requests` with `variant`, and returns the time that it took.
fn serve(variant: &Variant, requests: u64) -> Duration {
    let mut worker = variant.worker(Mix::Hot);
    let mut left = requests;
    let mut time = Duration::ZERO;
    while left > 0 {
        let batch = left.min(BATCH);
        left -= batch;
        worker.prepare(usize::try_from(batch).expect("small"));
        let start = Instant::now();
        worker.serve();
        time += start.elapsed();
        variant.run_upkeep();
    }
    time
}

criterion_group!(benches, middleware);
criterion_main!(benches);
