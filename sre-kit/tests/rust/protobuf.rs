//! The protobuf format, read back with the messages that Prometheus publishes.
#![cfg(feature = "protobuf")]

use std::time::Duration;

use prometheus_client::encoding::prometheus_protobuf::prometheus_data_model as model;
use prometheus_client::metrics::counter::Counter as ForeignCounter;
use prometheus_client::metrics::histogram::{Histogram as ForeignHistogram, NativeHistogramConfig};
use proptest::prelude::*;
use prost::Message;
use sre_kit::metrics::{Buckets, Format, Registry};

fn families(registry: &Registry) -> Vec<model::MetricFamily> {
    let mut bytes = Vec::new();
    registry.encode(Format::Protobuf, &mut bytes);
    let mut rest = &bytes[..];
    let mut families = Vec::new();
    while !rest.is_empty() {
        let family = model::MetricFamily::decode_length_delimited(&mut rest);
        families.push(family.expect("a message after its length"));
    }
    families
}

fn family(registry: &Registry, name: &str) -> model::MetricFamily {
    let all = families(registry);
    let found = all.iter().find(|family| family.name == name);
    found.unwrap_or_else(|| panic!("no {name} in {all:?}")).clone()
}

fn labels(metric: &model::Metric) -> Vec<(&str, &str)> {
    metric.label.iter().map(|pair| (pair.name.as_str(), pair.value.as_str())).collect()
}

/// Bucket numbers with their counts, as a scraper puts them together.
fn positive(histogram: &model::Histogram) -> Vec<(i32, u64)> {
    let mut deltas = histogram.positive_delta.iter();
    let (mut number, mut count, mut buckets) = (0, 0_i64, Vec::new());
    for span in &histogram.positive_span {
        number += span.offset;
        for _ in 0..span.length {
            count += deltas.next().expect("as many deltas as buckets");
            buckets.push((number, u64::try_from(count).expect("no count is negative")));
            number += 1;
        }
    }
    assert_eq!(deltas.next(), None, "no more deltas than buckets");
    buckets.retain(|&(_, count)| count != 0);
    buckets
}

#[test]
fn counters_and_gauges_keep_their_labels_as_they_were_given() {
    let registry = Registry::new();
    let jobs = registry.counter_family("jobs_total", "Jobs \"done\"\n\\", &["kind"]);
    jobs.expect("valid").with(&["a \"quoted\"\nback\\slash"]).add(3);
    registry.gauge_fn("load_ratio", "Load.", &[], |s| s.push(&[], 0.25)).expect("valid");

    let jobs = family(&registry, "jobs_total");
    assert_eq!(
        (jobs.help.as_str(), jobs.r#type()),
        ("Jobs \"done\"\n\\", model::MetricType::Counter)
    );
    assert_eq!(labels(&jobs.metric[0]), [("kind", "a \"quoted\"\nback\\slash")]);
    assert_eq!(jobs.metric[0].counter.as_ref().map(|counter| counter.value), Some(3.0));

    let load = family(&registry, "load_ratio");
    assert_eq!((load.r#type(), load.unit.as_str()), (model::MetricType::Gauge, "ratio"));
    assert_eq!(load.metric[0].gauge.as_ref().map(|gauge| gauge.value), Some(0.25));
}

#[test]
fn a_classic_histogram_is_cumulated_and_has_no_native_part() {
    let registry = Registry::new();
    let buckets = Buckets::seconds([0.005, 0.25]).expect("valid");
    let waits = registry.histogram("wait_seconds", "Waits.", &buckets).expect("valid");
    for millis in [1, 2, 250, 3_000] {
        waits.observe_duration(Duration::from_millis(millis));
    }
    let family = family(&registry, "wait_seconds");
    assert_eq!(family.r#type(), model::MetricType::Histogram);
    let histogram = family.metric[0].histogram.as_ref().expect("a histogram");
    assert_eq!((histogram.sample_count, histogram.sample_sum), (4, 3.253));
    let buckets: Vec<_> =
        histogram.bucket.iter().map(|b| (b.upper_bound, b.cumulative_count)).collect();
    assert_eq!(buckets, [(0.005, 2), (0.25, 3)]);
    assert!(histogram.positive_span.is_empty() && histogram.zero_threshold == 0.0);
}

#[test]
fn a_native_histogram_is_written_beside_the_classic_one() {
    let registry = Registry::new();
    let buckets = Buckets::seconds([0.1, 10.0]).and_then(|b| b.with_native(1.1)).expect("valid");
    let waits = registry.histogram("wait_seconds", "Waits.", &buckets).expect("valid");
    for millis in [0, 250, 250, 260, 500, 1_000] {
        waits.observe_duration(Duration::from_millis(millis));
    }
    waits.observe_duration(Duration::from_hours(24));
    let family = family(&registry, "wait_seconds");
    let histogram = family.metric[0].histogram.as_ref().expect("a histogram");
    assert_eq!(histogram.bucket.len(), 2, "the classic bounds are there");
    assert_eq!((histogram.schema, histogram.zero_count), (3, 1));
    assert_eq!(histogram.zero_threshold.to_bits(), 2_f64.powi(-20).to_bits());
    // 2^-2 ends bucket -16, 2^-1 bucket -8, 1 bucket 0; a day is past 2^7, the last.
    assert_eq!(positive(histogram), [(-16, 2), (-15, 1), (-8, 1), (0, 1), (56, 1)]);
}

#[test]
fn a_native_histogram_without_observations_is_told_from_a_classic_one() {
    let registry = Registry::new();
    let buckets = Buckets::units([1024]).and_then(|b| b.with_native(2.0)).expect("valid");
    registry.histogram("size_bytes", "Sizes.", &buckets).expect("valid");
    let family = family(&registry, "size_bytes");
    let histogram = family.metric[0].histogram.as_ref().expect("a histogram");
    assert_eq!((histogram.zero_threshold, histogram.sample_count), (0.5, 0));
}

#[test]
fn metrics_of_prometheus_client_are_among_them_with_their_own_help() {
    let registry = Registry::new();
    let counter = ForeignCounter::<u64>::default();
    counter.inc_by(5);
    registry.register("tasks", "Tasks", counter).expect("valid");
    let native = ForeignHistogram::new_native(NativeHistogramConfig::new(1.1));
    native.observe(0.7);
    registry.register("native", "Native.", native).expect("valid");

    let tasks = family(&registry, "tasks_total");
    assert_eq!(tasks.help, "Tasks", "without a full stop that nobody wrote");
    assert_eq!(tasks.metric[0].counter.as_ref().map(|counter| counter.value), Some(5.0));
    let native = family(&registry, "native");
    let histogram = native.metric[0].histogram.as_ref().expect("a histogram");
    assert_eq!(positive(histogram).iter().map(|&(_, count)| count).sum::<u64>(), 1);
}

#[test]
fn a_registry_with_nothing_in_it_is_no_bytes() {
    assert!(families(&Registry::new()).is_empty());
}

proptest! {
    #[test]
    fn every_observation_is_in_one_native_bucket(
        nanos in proptest::collection::vec(0_u64..200_000_000_000, 0..200),
    ) {
        let registry = Registry::new();
        let buckets = Buckets::seconds([1.0]).and_then(|b| b.with_native(1.2)).expect("valid");
        let waits = registry.histogram("wait_seconds", "Waits.", &buckets).expect("valid");
        for &nanos in &nanos {
            waits.observe_duration(Duration::from_nanos(nanos));
        }
        let family = family(&registry, "wait_seconds");
        let histogram = family.metric[0].histogram.as_ref().expect("a histogram");
        let counts: u64 = positive(histogram).iter().map(|&(_, count)| count).sum();
        prop_assert_eq!(counts + histogram.zero_count, nanos.len() as u64);
        prop_assert_eq!(histogram.sample_count, nanos.len() as u64);
        // Each count is where the bounds of its bucket say.
        for (number, count) in positive(histogram) {
            let (low, high) = ((f64::from(number - 1) / 4.0).exp2(), (f64::from(number) / 4.0).exp2());
            let inside = nanos.iter().filter(|&&n| {
                let value = n as f64 / 1e9;
                value > low * (1.0 + 1e-12) && value <= high * (1.0 + 1e-12)
            });
            let last = number == 12; // 2^3 s, the range's end, takes what is above.
            let expected = if last {
                nanos.iter().filter(|&&n| n as f64 / 1e9 > low * (1.0 + 1e-12)).count()
            } else {
                inside.count()
            };
            prop_assert_eq!(count, expected as u64, "bucket {}", number);
        }
    }
}

#[cfg(feature = "telemetry")]
#[test]
fn an_exemplar_lies_in_its_bucket_and_beside_the_native_ones() {
    use http_body_util::BodyExt;
    use sre_kit::golden_signals::GoldenSignals;
    use sre_kit::telemetry::{Sampler, Telemetry, TraceContext};
    use tower::{Layer, ServiceExt, service_fn};

    let registry = Registry::new();
    let telemetry = Telemetry::builder().sampler(Sampler::always_on()).span_exporter(Nowhere);
    let telemetry = telemetry.build().expect("valid");
    let bounds = Buckets::seconds([1e-9]).and_then(|bounds| bounds.with_native(1.1));
    let signals = GoldenSignals::builder()
        .duration_buckets(bounds.expect("valid"))
        .telemetry(&telemetry)
        .build(&registry)
        .expect("valid");
    let service = signals.layer().layer(service_fn(|_: http::Request<()>| async {
        let context = TraceContext::current().expect("current").trace_id().to_string();
        Ok::<_, std::convert::Infallible>(http::Response::new(http_body_util::Full::new(
            bytes::Bytes::from(context),
        )))
    }));
    let mut call = tokio_test::task::spawn(async {
        let Ok(response) = service.oneshot(http::Request::new(())).await;
        response.into_body().collect().await.expect("infallible").to_bytes()
    });
    let std::task::Poll::Ready(trace) = call.poll() else { panic!("nothing waits") };

    let family = family(&registry, "http_server_request_duration_seconds");
    let histogram = family.metric[0].histogram.clone().expect("a histogram");
    // Longer than a nanosecond, so it is the bucket that is left out otherwise.
    let bucket = histogram.bucket.last().expect("there");
    assert!(bucket.upper_bound.is_infinite());
    let exemplar = bucket.exemplar.clone().expect("sampled");
    assert_eq!(histogram.exemplars, std::slice::from_ref(&exemplar));
    let labels: Vec<_> = exemplar.label.iter().map(|pair| &*pair.name).collect();
    assert_eq!(labels, ["trace_id", "span_id"]);
    assert_eq!(exemplar.label[0].value.as_bytes(), trace);
    assert_eq!(exemplar.value.to_bits(), histogram.sample_sum.to_bits());
    assert!(exemplar.timestamp.expect("set").seconds > 1_700_000_000);
}

#[cfg(feature = "telemetry")]
#[derive(Debug)]
struct Nowhere;

#[cfg(feature = "telemetry")]
impl opentelemetry_sdk::trace::SpanExporter for Nowhere {
    async fn export(
        &self,
        _: Vec<opentelemetry_sdk::trace::SpanData>,
    ) -> opentelemetry_sdk::error::OTelSdkResult {
        Ok(())
    }
}
