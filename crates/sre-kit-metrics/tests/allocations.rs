//! Counts allocations, so the binary has an allocator of its own.

use allocation_counter::measure;
use opentelemetry::KeyValue;
use opentelemetry::metrics::MeterProvider as _;
use sre_kit_metrics::Registry;

/// Returns how many allocations `call` makes once it has made its first ones.
fn allocations(call: impl Fn()) -> u64 {
    call();
    measure(|| (0..100).for_each(|_| call())).count_total
}

#[test]
fn recording_through_the_facade_allocates_nothing() {
    let registry = Registry::new();
    metrics::with_local_recorder(&registry.metrics_recorder(), || {
        let counter = metrics::counter!("kept");
        let gauge = metrics::gauge!("kept_gauge");
        let histogram = metrics::histogram!("kept_seconds");
        assert_eq!(allocations(|| counter.increment(1)), 0);
        assert_eq!(allocations(|| gauge.set(1.0)), 0);
        assert_eq!(allocations(|| histogram.record(0.25)), 0);
        assert_eq!(allocations(|| metrics::counter!("each_time").increment(1)), 0);
        let three = || {
            metrics::counter!("three", "a" => "1", "b" => "2", "c" => "3").increment(1);
        };
        assert_eq!(allocations(three), 0);
    });
}

#[test]
fn recording_through_opentelemetry_allocates_nothing() {
    let registry = Registry::new();
    let meter = registry.meter_provider().meter("shop");
    let jobs = meter.u64_counter("jobs").build();
    let waits = meter.f64_histogram("wait").with_unit("s").build();
    let three = [KeyValue::new("a", "1"), KeyValue::new("b", 2), KeyValue::new("c", true)];
    let bound = (jobs.bind(&three), waits.bind(&three));
    assert_eq!(allocations(|| bound.0.add(1)), 0);
    assert_eq!(allocations(|| bound.1.record(0.25)), 0);
    assert_eq!(allocations(|| jobs.add(1, &[])), 0);
    assert_eq!(allocations(|| jobs.add(1, &three)), 0);
    assert_eq!(allocations(|| waits.record(0.25, &three)), 0);
}
