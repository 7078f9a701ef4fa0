//! The conversion of a registry's families into an OTLP message.

use std::sync::Arc;
use std::time::SystemTime;

use opentelemetry::Value;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Exemplar, Gauge, Histogram, HistogramDataPoint, Metric,
    NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, exemplar, metric, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;

use super::source::Source;
use crate::export::size::first_batch;
use crate::resource::SCHEMA_URL;
use sre_kit_metrics::internal::{
    AttributeValue, BucketsInternals as _, Desc, Exemplars, Kind, OtlpFamily,
    RegistryInternals as _, Visitor,
};
use sre_kit_metrics::{Buckets, Registry};

/// Returns the requests that export all families of `source`. None is larger than a collector
/// accepts.
pub(super) fn requests(source: &Source, now: SystemTime) -> Vec<ExportMetricsServiceRequest> {
    let mut families = Families {
        registry: &source.registry,
        metrics: Vec::new(),
        family: Arc::default(),
        started: nanos(source.started),
        now: nanos(now),
    };
    source.registry.visit(&mut families);
    source.registry.visit_foreign(&mut families);
    let mut rest = families.metrics;
    rest.retain(has_points);
    let mut requests = Vec::new();
    while !rest.is_empty() {
        let sizes = rest.iter().map(|metric| metric.encoded_len() + 8);
        let after = rest.split_off(first_batch(sizes));
        requests.push(request(source, std::mem::replace(&mut rest, after)));
    }
    requests
}

fn has_points(metric: &Metric) -> bool {
    match &metric.data {
        Some(metric::Data::Sum(sum)) => !sum.data_points.is_empty(),
        Some(metric::Data::Gauge(gauge)) => !gauge.data_points.is_empty(),
        Some(metric::Data::Histogram(histogram)) => !histogram.data_points.is_empty(),
        _ => false,
    }
}

fn request(source: &Source, metrics: Vec<Metric>) -> ExportMetricsServiceRequest {
    let attributes = source.resource.iter().map(|(key, value)| match value {
        Value::I64(number) => key_value(key, any_value::Value::IntValue(*number)),
        text => pair(key, text.as_str().into_owned()),
    });
    let scope = InstrumentationScope {
        name: "sre-kit".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..Default::default()
    };
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(Resource { attributes: attributes.collect(), ..Default::default() }),
            scope_metrics: vec![ScopeMetrics {
                scope: Some(scope),
                metrics,
                schema_url: String::new(),
            }],
            schema_url: SCHEMA_URL.to_owned(),
        }],
    }
}

struct Families<'a> {
    registry: &'a Registry,
    metrics: Vec<Metric>,
    /// The family that is read, in the terms of OpenTelemetry.
    family: Arc<OtlpFamily>,
    started: u64,
    now: u64,
}

impl Visitor for Families<'_> {
    fn is_opentelemetry(&self) -> bool {
        true
    }

    fn family(&mut self, desc: &Desc) {
        self.family = self.registry.otlp_family(desc);
        let cumulative = AggregationTemporality::Cumulative as i32;
        let data = match self.family.kind {
            Kind::Counter => metric::Data::Sum(Sum {
                data_points: Vec::new(),
                aggregation_temporality: cumulative,
                is_monotonic: true,
            }),
            Kind::UpDownCounter => metric::Data::Sum(Sum {
                data_points: Vec::new(),
                aggregation_temporality: cumulative,
                is_monotonic: false,
            }),
            Kind::Gauge => metric::Data::Gauge(Gauge { data_points: Vec::new() }),
            Kind::Histogram => metric::Data::Histogram(Histogram {
                data_points: Vec::new(),
                aggregation_temporality: cumulative,
            }),
        };
        self.metrics.push(Metric {
            name: self.family.name.clone().into_owned(),
            description: desc.help.clone(),
            unit: self.family.unit.clone().into_owned(),
            metadata: Vec::new(),
            data: Some(data),
        });
    }

    fn integer(&mut self, labels: &str, value: u64) {
        // Counts wrap at 2^64, those of OTLP at 2^63.
        self.signed(labels, value.cast_signed());
    }

    fn signed(&mut self, labels: &str, value: i64) {
        self.number(labels, number_data_point::Value::AsInt(value));
    }

    fn float(&mut self, labels: &str, value: f64) {
        // A function computes its samples as floats, whatever they count.
        #[allow(clippy::cast_possible_truncation)]
        let value = if self.family.integers && value.fract() == 0.0 && value.abs() < 9e15 {
            number_data_point::Value::AsInt(value as i64)
        } else {
            number_data_point::Value::AsDouble(value)
        };
        self.number(labels, value);
    }

    fn histogram(
        &mut self,
        labels: &str,
        buckets: &Buckets,
        cells: &[u64],
        exemplars: Option<&Exemplars>,
    ) {
        let counts = &cells[..=buckets.bounds().len()];
        let scale = buckets.scale();
        let sum = cells.get(counts.len()).copied().unwrap_or(0);
        let linked = (0..counts.len()).filter_map(|bucket| exemplars?.get(bucket));
        let point = HistogramDataPoint {
            attributes: attributes(&self.family, labels),
            start_time_unix_nano: self.started,
            time_unix_nano: self.now,
            count: counts.iter().sum(),
            sum: Some(scale.value(sum)),
            bucket_counts: counts.to_vec(),
            explicit_bounds: buckets.bounds().iter().map(|&bound| scale.value(bound)).collect(),
            exemplars: linked
                .map(|one| Exemplar {
                    filtered_attributes: Vec::new(),
                    time_unix_nano: u64::try_from(one.at.as_nanos()).unwrap_or(u64::MAX),
                    span_id: one.link.span_id.to_be_bytes().to_vec(),
                    trace_id: one.link.trace_id.to_be_bytes().to_vec(),
                    value: Some(exemplar::Value::AsDouble(scale.value(one.value))),
                })
                .collect(),
            ..Default::default()
        };
        if let Some(metric::Data::Histogram(histogram)) = self.data() {
            histogram.data_points.push(point);
        }
    }
}

impl Families<'_> {
    fn data(&mut self) -> Option<&mut metric::Data> {
        self.metrics.last_mut()?.data.as_mut()
    }

    fn number(&mut self, labels: &str, value: number_data_point::Value) {
        let point = NumberDataPoint {
            attributes: attributes(&self.family, labels),
            // A gauge has no start time.
            start_time_unix_nano: if self.family.kind == Kind::Gauge { 0 } else { self.started },
            time_unix_nano: self.now,
            value: Some(value),
            ..Default::default()
        };
        match self.data() {
            Some(metric::Data::Sum(sum)) => sum.data_points.push(point),
            Some(metric::Data::Gauge(gauge)) => gauge.data_points.push(point),
            _ => {}
        }
    }
}

fn attributes(family: &OtlpFamily, labels: &str) -> Vec<KeyValue> {
    let attributes = family.attributes(labels).map(|(key, value)| {
        let value = match value {
            AttributeValue::String(value) => any_value::Value::StringValue(value.into_owned()),
            AttributeValue::Int(value) => any_value::Value::IntValue(value),
            AttributeValue::Double(value) => any_value::Value::DoubleValue(value),
            AttributeValue::Bool(value) => any_value::Value::BoolValue(value),
        };
        key_value(&key, value)
    });
    attributes.collect()
}

fn pair(key: &str, value: String) -> KeyValue {
    key_value(key, any_value::Value::StringValue(value))
}

fn key_value(key: &str, value: any_value::Value) -> KeyValue {
    let value = AnyValue { value: Some(value) };
    KeyValue { key: key.to_owned(), value: Some(value), ..Default::default() }
}

fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::resource::Resource;
    use sre_kit_metrics::internal::{HistogramFamilyInternals as _, Link};

    #[test]
    fn a_push_has_the_names_labels_and_values_of_a_scrape() {
        let registry = Registry::new();
        let jobs = registry.counter_family("jobs_total", "Jobs.", &["kind"]).expect("valid");
        jobs.with(&["a\"b"]).add(3);
        registry.gauge_fn("room_ratio", "Room.", &[], |s| s.push(&[], 0.5)).expect("valid");
        let bounds = Buckets::seconds([0.1, 1.0]).expect("valid");
        let queued = prometheus_client::metrics::gauge::Gauge::<i64>::default();
        queued.set(7);
        registry.register("queued", "A metric of the user.", queued).expect("free");
        let waits = registry.histogram_family("wait_seconds", "Waits.", &bounds, &[]);
        let link = Link { trace_id: 0xabc, span_id: 0xdef };
        waits.expect("valid").observe_linked(&[], 250_000_000, Some(link));
        let mut resource = Resource::default();
        resource.set("service.name", "demo");
        resource.set("process.pid", 7);
        let started = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
        let source = Source { registry, resource, started };
        let requests = requests(&source, SystemTime::UNIX_EPOCH + Duration::from_secs(2));
        let [request] = &requests[..] else { panic!("a small registry: {requests:?}") };

        let all = &request.resource_metrics[0];
        assert_eq!(
            all.resource.as_ref().expect("set").attributes,
            [
                pair("service.name", "demo".into()),
                key_value("process.pid", any_value::Value::IntValue(7))
            ]
        );
        assert_eq!(all.schema_url, "https://opentelemetry.io/schemas/1.44.0");
        let find = |name: &str| {
            let metrics = &all.scope_metrics[0].metrics;
            metrics.iter().find(|metric| metric.name == name).expect(name)
        };
        let Some(metric::Data::Sum(sum)) = &find("jobs").data else { panic!("a counter") };
        assert!(sum.is_monotonic && sum.aggregation_temporality == 2);
        let point = &sum.data_points[0];
        assert_eq!(point.attributes, [pair("kind", "a\"b".into())]);
        assert_eq!(point.value, Some(number_data_point::Value::AsInt(3)));
        assert_eq!(
            (point.start_time_unix_nano, point.time_unix_nano),
            (1_000_000_000, 2_000_000_000)
        );
        let Some(metric::Data::Gauge(queued)) = &find("queued").data else { panic!("a gauge") };
        assert_eq!(queued.data_points[0].value, Some(number_data_point::Value::AsInt(7)));
        let room = find("room");
        assert_eq!((&*room.unit, room.data.is_some()), ("1", true));
        let wait = find("wait");
        assert_eq!(wait.unit, "s");
        let Some(metric::Data::Histogram(histogram)) = &wait.data else { panic!("a histogram") };
        let point = &histogram.data_points[0];
        assert_eq!((point.count, point.sum), (1, Some(0.25)));
        assert_eq!(
            (&*point.bucket_counts, &*point.explicit_bounds),
            (&[0, 1, 0][..], &[0.1, 1.0][..])
        );
        assert_eq!(point.exemplars[0].trace_id, 0xabc_u128.to_be_bytes());
        assert_eq!(point.exemplars[0].span_id, 0xdef_u64.to_be_bytes());
    }

    #[test]
    fn a_family_of_the_kit_has_the_name_unit_and_types_of_the_conventions() {
        let registry = Registry::new();
        let buckets = Buckets::seconds([0.1]).expect("valid");
        let labels = ["http_request_method", "server_address", "server_port"];
        let name = "http_client_request_duration_seconds";
        let calls = registry.histogram_family(name, "Calls.", &buckets, &labels).expect("free");
        calls.with(&["GET", "localhost", "8080"]).observe(0.05);
        registry
            .gauge_fn("saturation_pool_used", "Used.", &["pool"], |s| s.push(&["a"], 3.0))
            .expect("free");
        let source =
            Source { registry, resource: Resource::default(), started: SystemTime::UNIX_EPOCH };
        let requests = requests(&source, SystemTime::UNIX_EPOCH);
        let metrics = &requests[0].resource_metrics[0].scope_metrics[0].metrics;
        let find = |name: &str| metrics.iter().find(|metric| metric.name == name).expect(name);
        let calls = find("http.client.request.duration");
        assert_eq!(calls.unit, "s");
        let Some(metric::Data::Histogram(histogram)) = &calls.data else { panic!("a histogram") };
        assert_eq!(
            histogram.data_points[0].attributes,
            [
                pair("http.request.method", "GET".into()),
                pair("server.address", "localhost".into()),
                key_value("server.port", any_value::Value::IntValue(8080)),
            ]
        );
        let Some(metric::Data::Sum(sum)) = &find("saturation.pool.used").data else {
            panic!("an UpDownCounter is a sum")
        };
        assert!(!sum.is_monotonic && sum.aggregation_temporality == 2);
        assert_eq!(sum.data_points[0].value, Some(number_data_point::Value::AsInt(3)));
    }

    #[test]
    fn a_registry_that_is_larger_than_a_collector_accepts_is_pushed_in_parts() {
        let registry = Registry::new();
        let long = "x".repeat(500);
        for family in 0..8 {
            let name = format!("jobs_{family}_total");
            let jobs = registry.counter_family(&name, "Jobs.", &["id"]).expect("valid");
            for id in 0..1_500 {
                jobs.with(&[&format!("{id}{long}")]).add(1);
            }
        }
        let source =
            Source { registry, resource: Resource::default(), started: SystemTime::UNIX_EPOCH };
        let requests = requests(&source, SystemTime::now());
        assert!(requests.len() > 1, "more than 4 MiB in one message");
        let metrics = requests.iter().flat_map(|one| &one.resource_metrics[0].scope_metrics);
        assert!(metrics.map(|scope| scope.metrics.len()).sum::<usize>() >= 8);
        for request in &requests {
            assert!(request.encoded_len() < 4 * 1024 * 1024, "{}", request.encoded_len());
        }
    }
}
