//! What Prometheus 3 makes of each format, and of a push.

#![cfg(all(
    feature = "metrics-facade",
    feature = "opentelemetry-metrics",
    feature = "otlp",
    feature = "protobuf",
    feature = "tikv-prometheus"
))]

use std::collections::BTreeMap;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::MeterProvider as _;
use sre_kit::metrics::{Buckets, Registry};
use sre_kit::telemetry::Telemetry;

use crate::exposition::{Server, admin, registry};

const PROGRAM: &str = "prometheus-3";

/// The registry of the other tests, with native buckets and metrics of OpenTelemetry.
fn everything() -> Registry {
    let registry = registry();
    let buckets = Buckets::seconds([0.1, 10.0]).and_then(|b| b.with_native(1.1)).expect("valid");
    let native = registry.histogram("native_seconds", "Native.", &buckets).expect("free");
    for i in 1..=1_000 {
        native.observe(f64::from(i) / 1_000.0);
    }
    let meter = registry.meter_provider().meter("shop");
    let attributes = [KeyValue::new("shop.kind", "a"), KeyValue::new("server.port", 80)];
    meter.u64_counter("shop.orders").with_unit("{order}").build().add(3, &attributes);
    meter.f64_histogram("shop.wait").with_unit("ms").build().record(7.5, &attributes);
    meter.i64_up_down_counter("shop.open").with_unit("1").build().add(-2, &attributes);
    meter.f64_gauge("shop.load").with_unit("1").build().record(0.25, &attributes);
    registry
}

/// Returns the number of series of each name in a job.
async fn series(server: &Server, job: &str) -> BTreeMap<String, String> {
    let query = format!("count by (__name__) ({{job=\"{job}\"}})");
    let result = server.query(&query).await;
    let counts = result.iter().map(|series| {
        let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
        (text(&series["metric"]["__name__"]), text(&series["value"][1]))
    });
    counts.filter(|(name, _)| name != "up" && !name.starts_with("scrape_")).collect()
}

#[tokio::test]
#[ignore = "needs prometheus-3; cargo xtask test --only servers"]
async fn every_format_gives_the_same_series_buckets_and_quantiles() {
    let registry = everything();
    let admin = admin(&registry).await;
    let target = admin.local_addr().expect("TCP");
    let formats = [
        ("text", "PrometheusText0.0.4"),
        ("openmetrics", "OpenMetricsText1.0.0"),
        ("openmetrics2", "OpenMetricsText2.0.0"),
        ("protobuf", "PrometheusProto"),
    ];
    let jobs = formats.map(|(job, protocol)| {
        format!(
            "{{job_name: {job}, scrape_protocols: [{protocol}], scrape_native_histograms: true, \
             always_scrape_classic_histograms: true, static_configs: [{{targets: ['{target}']}}]}}"
        )
    });
    let flags = ["--enable-feature=openmetrics2"];
    let server = Server::start_program(PROGRAM, &jobs, &flags).await;
    let number = async |query: String| server.number(&query).await;
    for (job, _) in formats {
        number(format!("up{{job=\"{job}\"}} == 1")).await;
        // It got the format that it asked for.
        let label = if job == "text" { "prometheus" } else { job };
        let sent = format!("{{job=\"{job}\",format=\"{label}\",outcome=\"ok\"}} > 0");
        number(format!("sre_kit_scrapes_total{sent}")).await;
        for (query, expected) in [
            ("jobs_total", 2.0),
            ("shop_orders_total", 3.0),
            ("shop_open", -2.0),
            ("paint_info", 1.0),
            ("wait_seconds_bucket{le=\"0.25\"}", 0.0),
            ("wait_seconds_bucket{le=\"1.0\"}", 1.0),
            ("classic_seconds_bucket{le=\"0.5\"}", 0.0),
            ("classic_seconds_bucket{le=\"1.0\"}", 1.0),
            ("native_seconds_bucket{le=\"0.1\"}", 100.0),
            ("shop_wait_milliseconds_bucket{le=\"10.0\"}", 1.0),
            ("native_seconds_count", 1_000.0),
        ] {
            let found = number(format!("sum({query} and on(job) up{{job=\"{job}\"}})")).await;
            assert!((found - expected).abs() < 1e-9, "{query} of {job} is {found}");
        }
    }
    for quantile in [0.1, 0.5, 0.9, 0.99] {
        let of =
            |job: &str| format!("histogram_quantile({quantile}, native_seconds{{job=\"{job}\"}})");
        let (text, protobuf) = (number(of("openmetrics2")).await, number(of("protobuf")).await);
        assert!((text - protobuf).abs() < f64::EPSILON, "{text} {protobuf}");
        assert!((text / quantile - 1.0).abs() < 0.1, "{text}");
    }
    let classic = series(&server, "openmetrics").await;
    assert!(classic.len() > 40, "{classic:?}");
    for (job, native) in [("text", false), ("openmetrics2", true), ("protobuf", true)] {
        let mut found = series(&server, job).await;
        // The native histogram has the name of the family.
        assert_eq!(found.remove("native_seconds").is_some(), native, "{job}");
        assert_eq!(found, classic, "{job}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs prometheus-3; cargo xtask test --only servers"]
async fn a_push_gives_the_series_of_a_scrape_but_for_the_names_that_clients_share() {
    let registry = everything();
    let admin = admin(&registry).await;
    let target = admin.local_addr().expect("TCP");
    let job = format!("{{job_name: scraped, static_configs: [{{targets: ['{target}']}}]}}");
    let server = Server::start_program(PROGRAM, &[job], &["--web.enable-otlp-receiver"]).await;
    let endpoint = format!("http://{}/api/v1/otlp/v1/metrics", server.address());
    let vars = [
        ("OTEL_SERVICE_NAME", "pushed"),
        ("OTEL_METRICS_EXPORTER", "otlp"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", &*endpoint),
    ];
    let lookup = |name: &str| {
        let value = vars.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        value.map(str::to_owned)
    };
    let telemetry = Telemetry::builder_from_vars(lookup).expect("valid").build().expect("valid");
    telemetry.register(&registry).expect("free");
    let flushed =
        tokio::task::spawn_blocking(move || telemetry.shutdown_blocking(Duration::from_secs(20)));
    assert!(flushed.await.expect("no panic").is_complete(), "the push arrived");
    // What the telemetry counts is scraped once it is registered.
    server.number("count(sre_kit_telemetry_items_total{job=\"scraped\"}) > 0").await;
    let (mut scraped, mut pushed) =
        (series(&server, "scraped").await, series(&server, "pushed").await);
    pushed.remove("target_info");
    for (theirs, ours) in [
        ("process_cpu_seconds_total", "process_cpu_time_seconds_total"),
        ("process_max_fds", "sre_kit_process_file_descriptor_limit"),
        ("process_open_fds", "process_unix_file_descriptor_count"),
        ("process_resident_memory_bytes", "process_memory_usage_bytes"),
        ("process_start_time_seconds", "process_uptime_seconds"),
        ("process_threads", "process_thread_count"),
        ("process_virtual_memory_bytes", "process_memory_virtual_bytes"),
        ("process_virtual_memory_max_bytes", "sre_kit_process_memory_virtual_limit_bytes"),
    ] {
        let (theirs, ours) = (scraped.remove(theirs), pushed.remove(ours));
        assert_eq!(theirs.is_some(), ours.is_some());
    }
    assert_eq!(pushed, scraped);
    let query = "sum by (job) (shop_orders_total{shop_kind=\"a\",server_port=\"80\"}) == 3";
    assert_eq!(server.query(query).await.len(), 2);
}
