//! The registry as a caller meets it.

use sre_kit::metrics::{Buckets, Registry, TextFormat};

fn text(registry: &Registry) -> String {
    let mut out = String::new();
    registry.encode_text(&mut out, TextFormat::Prometheus);
    out
}

#[test]
fn a_series_exists_at_zero_from_the_moment_it_is_named() {
    let registry = Registry::new();
    let family = registry.counter_family("jobs_total", "Jobs.", &["kind"]).expect("valid");
    family.with(&["import"]);
    assert!(text(&registry).contains("jobs_total{kind=\"import\"} 0\n"));
}

#[test]
fn the_same_labels_are_the_same_counter() {
    let registry = Registry::new();
    let family = registry.counter_family("jobs_total", "Jobs.", &["kind"]).expect("valid");
    family.with(&["import"]).inc();
    family.with(&["import"]).inc();
    assert_eq!(family.with(&["import"]).get(), 2);
}

#[test]
fn a_full_family_counts_on_in_its_overflow_series_and_says_so() {
    let registry = Registry::builder().max_series_per_family(3).build().expect("valid");
    let family = registry.counter_family("jobs_total", "Jobs.", &["kind"]).expect("valid");
    for i in 0..10_000 {
        family.with(&[&i.to_string()]).inc();
    }
    let text = text(&registry);
    assert_eq!(text.matches("jobs_total{kind=").count(), 3, "{text}");
    assert!(text.contains("jobs_total{otel_metric_overflow=\"true\"} 9997\n"), "{text}");
    assert!(
        text.contains("sre_kit_metrics_overflow_total{metric=\"jobs_total\"} 9997\n"),
        "{text}"
    );
}

#[test]
fn a_second_registry_knows_nothing_of_the_first() {
    let (one, two) = (Registry::new(), Registry::new());
    let a = one.counter("jobs_total", "Jobs.").expect("valid");
    let b = two.counter("jobs_total", "Jobs.").expect("the name is free here");
    a.inc();
    assert_eq!((a.get(), b.get()), (1, 0));
}

#[test]
fn a_computed_family_that_pushes_nothing_is_left_out() {
    let registry = Registry::new();
    registry.gauge_fn("present", "Here.", &["a"], |s| s.push(&["x\"y\n"], 1.5)).expect("valid");
    registry.gauge_fn("absent", "Not here.", &[], |_| {}).expect("valid");
    let text = text(&registry);
    assert!(text.contains("present{a=\"x\\\"y\\n\"} 1.5\n"), "{text}");
    assert!(!text.contains("absent"), "{text}");
}

#[test]
fn metrics_of_prometheus_client_share_the_names() {
    let registry = Registry::new();
    registry.counter("jobs_total", "Jobs.").expect("valid");
    let foreign = prometheus_client::metrics::counter::Counter::<u64>::default();
    let err = registry.register("jobs", "Jobs again.", foreign.clone()).expect_err("taken");
    assert!(err.to_string().contains("jobs_total"), "{err}");
    registry.register("tasks", "Tasks.", foreign).expect("free");
    registry.counter("tasks_total", "Tasks.").expect_err("now taken");
}

#[test]
fn limits_of_zero_are_refused_by_name() {
    let err = Registry::builder().max_series_per_family(0).build().expect_err("refused");
    assert_eq!(err.field(), "max_series_per_family");
    let err = Registry::builder().shards(0).build().expect_err("refused");
    assert_eq!(err.field(), "shards");
}

#[test]
fn an_odd_observation_never_panics() {
    let registry = Registry::new();
    let buckets = Buckets::seconds([0.1]).expect("valid");
    let histogram = registry.histogram("wait_seconds", "Waits.", &buckets).expect("valid");
    for value in [-1.0, f64::NAN, f64::INFINITY, f64::MAX, 0.05] {
        histogram.observe(value);
    }
    assert_eq!(histogram.count(), 5);
}
