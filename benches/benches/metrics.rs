//! The cost of a scrape and of an SLO, with criterion.
//!
//! ```text
//! cargo bench -p sre-kit-benches --bench metrics -- scrape/
//! cargo bench -p sre-kit-benches --bench metrics -- slo/
//! ```

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sre_kit::slo::Budget;
use sre_kit_benches::scrape::{LabelSets, libraries};
use sre_kit_benches::slo::{SLOS, budgets, slos};

/// The lines of a histogram with 14 bounds: a bucket per bound and one above, the sum, the count.
const LINES: usize = 17;

fn scrape(c: &mut Criterion) {
    let mut group = c.benchmark_group("scrape");
    group.sample_size(20);
    for sets in [1_000, 10_000] {
        group.throughput(Throughput::Elements((sets * LINES) as u64));
        for (name, mut library) in libraries(&LabelSets::new(sets)) {
            library.observe_all();
            group.bench_function(BenchmarkId::new(name, sets), |b| b.iter(|| library.encode()));
        }
    }
    group.finish();
}

fn slo(c: &mut Criterion) {
    let (budgets, hand) = budgets(&slos());
    let mut group = c.benchmark_group("slo");
    let budget = budgets.slo("slo-00").expect("it is defined");
    group.throughput(Throughput::Elements(1));
    group.bench_function("event", |b| b.iter(|| black_box(&budget).record_good()));
    group.bench_function("windows", |b| {
        b.iter(|| {
            for window in budget.definition().windows() {
                black_box(budget.window(*window));
            }
        });
    });
    group.throughput(Throughput::Elements(SLOS as u64));
    group.bench_function(BenchmarkId::new("tick", SLOS), |b| {
        b.iter(|| {
            budgets.iter().for_each(Budget::record_good);
            hand.advance(Duration::from_secs(2));
            budgets.tick();
        });
    });
    group.finish();
}

criterion_group!(benches, scrape, slo);
criterion_main!(benches);
