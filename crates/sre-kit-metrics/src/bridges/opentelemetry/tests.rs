use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use opentelemetry::metrics::MeterProvider as _;
use opentelemetry::{InstrumentationScope, KeyValue};

use super::RegistryMeterProvider;
use crate::otlp::AttributeValue;
use crate::visit::{Desc, Kind};
use crate::{Buckets, Registry, TextFormat};

fn text(registry: &Registry) -> String {
    let mut text = String::new();
    registry.encode_text(&mut text, TextFormat::Prometheus);
    text
}

/// A provider without scope labels, so that the lines are short.
fn plain(registry: &Registry) -> RegistryMeterProvider {
    RegistryMeterProvider::builder().scope_labels(false).build(registry)
}

fn line(text: &str, line: &str) {
    assert!(text.contains(&format!("\n{line}\n")), "{line} is not in {text}");
}

#[test]
fn every_synchronous_instrument_has_its_values() {
    let registry = Registry::new();
    let meter = plain(&registry).meter("shop");
    let kind = [KeyValue::new("job.kind", "a")];
    meter.u64_counter("jobs").build().add(2, &kind);
    let cost = meter.f64_counter("cost").build();
    for value in [0.5, 1.25, -3.0, f64::NAN, f64::INFINITY] {
        cost.add(value, &[]);
    }
    let open = meter.i64_up_down_counter("open").build();
    open.add(2, &[]);
    open.add(-5, &[]);
    let level = meter.f64_up_down_counter("level").build();
    level.add(0.5, &[]);
    level.add(-0.75, &[]);
    meter.u64_gauge("rooms").build().record(7, &[]);
    meter.i64_gauge("floor").build().record(-2, &[]);
    let heat = meter.f64_gauge("heat").with_unit("Cel").build();
    for value in [1.0, 21.5, f64::NAN] {
        heat.record(value, &[]);
    }
    let sizes = meter.u64_histogram("size").with_unit("By").with_boundaries(vec![10.0, 100.0]);
    let sizes = sizes.build();
    sizes.record(10, &[]);
    sizes.record(11, &[]);
    let waits = meter.f64_histogram("wait").with_unit("ms").with_boundaries(vec![0.5]).build();
    for value in [0.25, 0.75, -1.0, f64::NAN] {
        waits.record(value, &[]);
    }
    let text = text(&registry);
    line(&text, "jobs_total{job_kind=\"a\"} 2");
    line(&text, "cost_total 1.75");
    line(&text, "open -3");
    line(&text, "level -0.25");
    line(&text, "rooms 7");
    line(&text, "floor -2");
    line(&text, "heat_celsius 21.5");
    line(&text, "size_bytes_bucket{le=\"10.0\"} 1");
    line(&text, "size_bytes_sum 21.0\nsize_bytes_count 2");
    line(&text, "wait_milliseconds_bucket{le=\"0.5\"} 1");
    line(&text, "wait_milliseconds_sum 1.0\nwait_milliseconds_count 2");
}

#[test]
fn a_bound_instrument_counts_into_the_series_of_its_attributes() {
    let registry = Registry::new();
    let meter = plain(&registry).meter("shop");
    let kind = [KeyValue::new("kind", "a")];
    let jobs = meter.u64_counter("jobs").build();
    jobs.bind(&kind).add(2);
    jobs.add(1, &kind);
    let waits = meter.f64_histogram("wait").build();
    waits.bind(&kind).record(1.0);
    waits.record(2.0, &kind);
    let rooms = meter.i64_gauge("rooms").build();
    rooms.bind(&kind).record(-4);
    meter.i64_up_down_counter("open").build().bind(&kind).add(-4);
    let text = text(&registry);
    line(&text, "jobs_total{kind=\"a\"} 3");
    line(&text, "wait_count{kind=\"a\"} 2");
    line(&text, "rooms{kind=\"a\"} -4");
    line(&text, "open{kind=\"a\"} -4");
}

#[test]
fn attributes_in_any_order_are_one_series() {
    let registry = Registry::new();
    let jobs = plain(&registry).meter("shop").u64_counter("jobs").build();
    let (a, b) = (KeyValue::new("a", 1), KeyValue::new("b", true));
    for _ in 0..2 {
        jobs.add(1, &[a.clone(), b.clone()]);
        jobs.add(1, &[b.clone(), a.clone()]);
        jobs.add(1, &[a.clone(), b.clone(), a.clone()]);
    }
    line(&text(&registry), "jobs_total{a=\"1\",b=\"true\"} 6");
}

#[test]
fn callbacks_give_the_values_of_each_scrape_and_their_panics_stay_inside() {
    let registry = Registry::new();
    let meter = plain(&registry).meter("shop");
    let queued = Arc::new(AtomicI64::new(3));
    let (seen, held) = (Arc::clone(&queued), registry.clone());
    let _gauge = meter
        .i64_observable_gauge("queued")
        .with_callback(move |observer| {
            // The registry can be used in a callback: no lock is held.
            let _ = held.counter("in_a_callback_total", "Created there.");
            observer.observe(seen.load(Ordering::Relaxed), &[KeyValue::new("queue", "a")]);
            observer.observe(1, &[]);
            observer.observe(2, &[]);
        })
        .with_callback(|_| panic!("in a callback"))
        .build();
    let _counter = meter
        .f64_observable_counter("read")
        .with_unit("By")
        .with_callback(|observer| {
            observer.observe(5.5, &[]);
            observer.observe(f64::NAN, &[KeyValue::new("bad", true)]);
        })
        .build();
    let first = text(&registry);
    line(&first, "queued{queue=\"a\"} 3");
    line(&first, "queued 2");
    line(&first, "read_bytes_total 5.5");
    assert!(!first.contains("bad="), "{first}");
    queued.store(-1, Ordering::Relaxed);
    line(&text(&registry), "queued{queue=\"a\"} -1");
}

#[test]
fn identical_instruments_are_one_stream_and_meters_differ_by_label() {
    let registry = Registry::new();
    let provider = registry.meter_provider();
    let scope = InstrumentationScope::builder("shop").with_version("1.2").build();
    provider.meter_with_scope(scope.clone()).u64_counter("jobs").build().add(1, &[]);
    provider.meter_with_scope(scope).u64_counter("JOBS").build().add(1, &[]);
    registry.meter_provider().meter("other").u64_counter("jobs").build().add(5, &[]);
    let text = text(&registry);
    line(&text, "jobs_total{otel_scope_name=\"shop\",otel_scope_version=\"1.2\"} 2");
    line(&text, "jobs_total{otel_scope_name=\"other\"} 5");
    assert!(!text.contains("refused"), "{text}");
}

#[test]
fn a_name_used_twice_counts_into_nothing_and_is_counted() {
    let registry = Registry::new();
    registry.counter("runs_total", "Runs.").expect("free");
    let meter = plain(&registry).meter("shop");
    meter.u64_counter("runs").build().add(1, &[]);
    meter.u64_counter("jobs").build().add(1, &[]);
    meter.u64_counter("jobs").with_unit("By").build().add(7, &[]);
    meter.f64_counter("Jobs").build().add(7.0, &[]);
    let histogram = meter.u64_histogram("jobs").build();
    histogram.record(7, &[]);
    histogram.bind(&[]).record(7);
    let _gauge = meter.u64_observable_gauge("jobs").with_callback(|o| o.observe(7, &[])).build();
    meter.u64_counter("9 lives").build().add(7, &[]);
    let bad = meter.u64_histogram("wait").with_boundaries(vec![2.0, 1.0]).build();
    bad.record(7, &[]);
    let text = text(&registry);
    line(&text, "runs_total 0");
    line(&text, "jobs_total 1");
    assert!(!text.contains("} 7\n") && !text.contains(" 7.0\n"), "{text}");
    for (metric, count) in [("runs", 1), ("jobs", 3), ("Jobs", 1), ("9 lives", 1), ("wait", 1)] {
        let refused = format!(
            "sre_kit_metrics_refused_total{{metric=\"{metric}\",api=\"opentelemetry\"}} {count}"
        );
        line(&text, &refused);
    }
}

#[test]
fn a_name_of_the_conventions_that_ends_in_count_is_taken() {
    let registry = Registry::new();
    let meter = plain(&registry).meter("pool");
    let count = meter.i64_up_down_counter("db.client.connection.count");
    count.with_unit("{connection}").build().add(1, &[]);
    line(&text(&registry), "db_client_connection_count 1");
}

#[test]
fn buckets_are_those_of_the_provider_then_of_the_code_then_the_default() {
    let registry = Registry::new();
    let provider = RegistryMeterProvider::builder()
        .scope_labels(false)
        .buckets("Set", Buckets::seconds([0.3]).expect("valid"))
        .build(&registry);
    let meter = provider.meter("shop");
    meter.f64_histogram("set").with_boundaries(vec![9.0]).build().record(0.25, &[]);
    meter.f64_histogram("none").with_boundaries(vec![]).build().record(0.25, &[]);
    meter.f64_histogram("default").build().record(6.0, &[]);
    meter.f64_histogram("time").with_unit("s").build().record(0.25, &[]);
    let text = text(&registry);
    line(&text, "set_bucket{le=\"0.3\"} 1\nset_bucket{le=\"+Inf\"} 1\nset_sum 0.25\nset_count 1");
    line(&text, "none_bucket{le=\"+Inf\"} 1\nnone_sum 0.25\nnone_count 1");
    line(&text, "default_bucket{le=\"5.0\"} 0\ndefault_bucket{le=\"10.0\"} 1");
    line(&text, "time_seconds_bucket{le=\"0.1\"} 0\ntime_seconds_bucket{le=\"0.25\"} 1");
}

#[test]
fn attribute_sets_above_the_limit_share_the_overflow_series() {
    let registry = Registry::builder().max_series_per_family(2).build().expect("valid");
    let jobs = plain(&registry).meter("shop").u64_counter("jobs").build();
    for round in 0..2 {
        for id in 0..4 {
            jobs.add(round + 1, &[KeyValue::new("id", id)]);
        }
    }
    let text = text(&registry);
    line(&text, "jobs_total{id=\"1\"} 3");
    line(&text, "jobs_total{otel_metric_overflow=\"true\"} 6");
}

#[test]
fn a_push_has_the_original_name_unit_keys_and_types() {
    let registry = Registry::new();
    let meter = plain(&registry).meter("shop");
    let calls = meter.i64_up_down_counter("shop.open.calls").with_unit("{call}").build();
    calls.add(1, &[KeyValue::new("server.port", 80), KeyValue::new("secure", true)]);
    let desc =
        Desc { name: "shop_open_calls".to_owned(), help: String::new(), kind: Kind::UpDownCounter };
    let otlp = registry.otlp_family(&desc);
    assert_eq!((&*otlp.name, &*otlp.unit, otlp.kind), ("shop.open.calls", "{call}", desc.kind));
    assert!(otlp.integers);
    let attributes: Vec<_> = otlp.attributes("secure=\"true\",server_port=\"80\"").collect();
    assert_eq!(
        attributes,
        [
            ("secure".into(), AttributeValue::Bool(true)),
            ("server.port".into(), AttributeValue::Int(80)),
        ]
    );
}
