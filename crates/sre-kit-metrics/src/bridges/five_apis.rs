//! One program that records the same events through five APIs.

use opentelemetry::KeyValue;
use opentelemetry::metrics::MeterProvider as _;
use prometheus::core::Collector;
use prometheus_client::metrics::counter::Counter as ClientCounter;
use prometheus_client::metrics::family::Family as ClientFamily;
use prometheus_client::metrics::histogram::Histogram as ClientHistogram;

use super::opentelemetry::RegistryMeterProvider;
use crate::{Buckets, Format, Registry};

const BOUNDS: [f64; 3] = [0.1, 0.5, 2.5];
const APIS: [&str; 5] = ["kit", "facade", "otel", "tikv", "client"];

/// Records `values` as events and as observations through each API.
fn record(registry: &Registry, values: &[f64]) {
    let bounds = || Buckets::floats(BOUNDS).expect("valid");
    let kit = registry.counter_family("kit_events_total", "Events.", &["kind"]).expect("free");
    let kit_seconds =
        registry.histogram_family("kit_seconds", "Waits.", &bounds(), &["kind"]).expect("free");

    let recorder =
        crate::MetricsRecorder::builder().buckets("facade_seconds", bounds()).build(registry);

    let meter = RegistryMeterProvider::builder().scope_labels(false).build(registry).meter("five");
    let otel = meter.u64_counter("otel.events").build();
    let otel_seconds =
        meter.f64_histogram("otel").with_unit("s").with_boundaries(BOUNDS.to_vec()).build();

    let theirs = prometheus::Registry::new();
    let opts = prometheus::Opts::new("tikv_events_total", "Events.");
    let tikv = prometheus::IntCounterVec::new(opts, &["kind"]).expect("valid");
    let opts = prometheus::HistogramOpts::new("tikv_seconds", "Waits.").buckets(BOUNDS.to_vec());
    let tikv_seconds = prometheus::HistogramVec::new(opts, &["kind"]).expect("valid");
    let both: [Box<dyn Collector>; 2] = [Box::new(tikv.clone()), Box::new(tikv_seconds.clone())];
    for collector in both {
        theirs.register(collector).expect("free");
    }
    registry.gather_from(theirs).expect("free");

    let labels = vec![("kind".to_owned(), "a".to_owned())];
    let client = ClientFamily::<Vec<(String, String)>, ClientCounter>::default();
    let client_seconds =
        ClientFamily::<Vec<(String, String)>, ClientHistogram, _>::new_with_constructor(|| {
            ClientHistogram::new(BOUNDS)
        });
    registry.register("client_events", "Events.", client.clone()).expect("free");
    registry.register("client_seconds", "Waits.", client_seconds.clone()).expect("free");

    for &value in values {
        kit.with(&["a"]).inc();
        kit_seconds.with(&["a"]).observe(value);
        metrics::with_local_recorder(&recorder, || {
            metrics::counter!("facade_events", "kind" => "a").increment(1);
            metrics::histogram!("facade_seconds", "kind" => "a").record(value);
        });
        otel.add(1, &[KeyValue::new("kind", "a")]);
        otel_seconds.record(value, &[KeyValue::new("kind", "a")]);
        tikv.with_label_values(&["a"]).inc();
        tikv_seconds.with_label_values(&["a"]).observe(value);
        client.get_or_create(&labels).inc();
        client_seconds.get_or_create(&labels).observe(value);
    }
}

/// Returns the samples of one API, without its prefix.
fn samples(text: &str, api: &str) -> Vec<(String, f64)> {
    let prefix = format!("{api}_");
    let lines = text.lines().filter_map(|line| line.strip_prefix(&*prefix));
    let mut samples: Vec<_> = lines
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').expect("a value");
            // prometheus-client writes `le` first.
            let name = match name
                .split_once("{le=\"")
                .and_then(|(n, rest)| Some((n, rest.split_once("\",")?)))
            {
                Some((n, (le, rest))) => {
                    format!("{n}{{{},le=\"{le}\"}}", rest.trim_end_matches('}'))
                }
                None => name.to_owned(),
            };
            (name, value.parse().expect("a number"))
        })
        .collect();
    samples.sort_by(|a, b| a.0.cmp(&b.0));
    samples
}

#[test]
fn text_and_openmetrics_show_five_equal_values() {
    let registry = Registry::new();
    record(&registry, &[0.0625, 0.125, 0.5, 2.0, 4.0]);
    for format in [Format::Prometheus, Format::OpenMetrics] {
        let mut out = Vec::new();
        registry.encode(format, &mut out);
        let text = String::from_utf8(out).expect("text");
        let expected = samples(&text, "kit");
        assert_eq!(expected.len(), 1 + 4 + 2, "{text}");
        assert!(expected.contains(&("events_total{kind=\"a\"}".to_owned(), 5.0)), "{expected:?}");
        assert!(expected.contains(&("seconds_sum{kind=\"a\"}".to_owned(), 6.6875)));
        for api in APIS {
            assert_eq!(samples(&text, api), expected, "{api} in {format:?}: {text}");
        }
    }
}

#[cfg(feature = "protobuf")]
#[test]
fn protobuf_shows_five_equal_values() {
    use prometheus_client::encoding::prometheus_protobuf::prometheus_data_model::{
        Metric, MetricFamily,
    };
    use prost::Message as _;

    let registry = Registry::new();
    record(&registry, &[0.0625, 0.125, 0.5, 2.0, 4.0]);
    let mut out = Vec::new();
    registry.encode(Format::Protobuf, &mut out);
    let mut rest = &out[..];
    let mut families = Vec::new();
    while !rest.is_empty() {
        families.push(MetricFamily::decode_length_delimited(&mut rest).expect("a family"));
    }
    let metric = |name: String| -> &Metric {
        let family = families.iter().find(|family| family.name == name);
        &family.unwrap_or_else(|| panic!("{name} is missing")).metric[0]
    };
    for api in APIS {
        let events = metric(format!("{api}_events_total"));
        assert_eq!(events.label[0].value, "a", "{api}");
        assert_eq!(events.counter.as_ref().map(|counter| counter.value), Some(5.0), "{api}");
        let histogram = metric(format!("{api}_seconds")).histogram.as_ref().expect("a histogram");
        assert_eq!((histogram.sample_count, histogram.sample_sum), (5, 6.6875), "{api}");
        let buckets = histogram.bucket.iter().filter(|bucket| bucket.upper_bound.is_finite());
        let counts: Vec<_> = buckets.map(|bucket| bucket.cumulative_count).collect();
        assert_eq!(counts, [1, 3, 4], "{api}");
    }
}

#[test]
fn the_first_owner_of_a_name_keeps_it_whatever_the_api() {
    let registry = Registry::new();
    let theirs = prometheus::Registry::new();
    let tikv = prometheus::IntCounter::new("events_total", "Events.").expect("valid");
    theirs.register(Box::new(tikv.clone())).expect("free");
    let meter = registry.meter_provider().meter("five");
    meter.u64_counter("events").build().add(1, &[]);
    metrics::with_local_recorder(&registry.metrics_recorder(), || {
        metrics::counter!("events").increment(9);
    });
    let error = registry.gather_from(theirs).expect_err("taken");
    assert!(error.to_string().contains("already prints `events`"), "{error}");
    registry.counter("events_total", "Events.").expect_err("taken");
    registry.register("events", "Events.", ClientCounter::<u64>::default()).expect_err("taken");
    let mut out = Vec::new();
    registry.encode(Format::Prometheus, &mut out);
    let text = String::from_utf8(out).expect("text");
    assert_eq!(text.lines().filter(|line| line.starts_with("events_total")).count(), 1, "{text}");
    assert!(text.contains("events_total{otel_scope_name=\"five\"} 1\n"), "{text}");
    assert!(text.contains("refused_total{metric=\"events\",api=\"metrics\"} 1\n"), "{text}");
}
