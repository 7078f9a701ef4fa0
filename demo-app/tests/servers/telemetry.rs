//! Tests that an OpenTelemetry Collector receives the demo's traces, logs and metrics.

#![allow(clippy::disallowed_methods, reason = "a test may sleep between two looks at a process")]

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;

use crate::collector::{Collector, Ports, wait};
use crate::support::Demo;

/// Starts a demo and returns it with the path of its log.
fn demo(ports: Ports, protocol: &str) -> (Demo, PathBuf) {
    let demo = Demo::start_with(&["--database-url", "sqlite::memory:"], &ports.variables(protocol));
    let log = demo.directory().join("log");
    (demo, log)
}

/// Returns the trace id of a log line, if it has one.
fn trace_of(line: &str) -> Option<String> {
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    Some(line["trace_id"].as_str()?.to_owned())
}

#[test]
#[ignore = "needs otelcol; cargo xtask test --only servers"]
fn the_line_the_exemplar_and_the_span_are_of_one_trace() {
    for protocol in ["grpc", "http/protobuf"] {
        let ports = Ports::free();
        let collector = Collector::start(ports);
        let (mut demo, log) = demo(ports, protocol);
        assert_eq!(demo.get("/error?status=503").0, 503);
        let lines = fs::read_to_string(log).expect("there");
        let traces: HashSet<_> = lines.lines().filter_map(trace_of).collect();
        assert_eq!(traces.len(), 1, "one request was made: {lines}");
        let trace = traces.into_iter().next().expect("counted");

        let (_, metrics) = demo.admin_as("/metrics", "application/openmetrics-text");
        let exemplar = format!("# {{trace_id=\"{trace}\",span_id=\"");
        assert!(metrics.contains(&exemplar), "{metrics}");

        // Expects at least one span, one log record and one exemplar, with their resource.
        let printed = collector.wait_for(&[
            "Name           : GET /error",
            "sre_kit.outcome: Str(error)",
            "a request to /error failed, as requested",
            "service.name: Str(demo-app)",
            "team: Str(checkout,payments)",
            "Resource SchemaURL: https://opentelemetry.io/schemas/1.44.0",
            "service.instance.id: Str(",
            "telemetry.sdk.language: Str(rust)",
            "telemetry.distro.name: Str(sre-kit)",
            "process.pid: Int(",
            "Name: http.server.request.duration",
            "Exemplar #0",
        ]);
        let named = |label: &str| {
            let line = printed.lines().filter(|line| line.contains(&trace));
            line.filter(|line| line.trim_start().starts_with(label)).count()
        };
        assert!(named("Trace ID       :") >= 1, "a span: {printed}");
        assert!(named("Trace ID:") >= 1, "a record: {printed}");
        assert!(named("-> Trace ID:") >= 1, "an exemplar: {printed}");

        demo.signal("TERM");
        assert_eq!(demo.wait().code(), Some(0), "{protocol}");
    }
}

#[test]
#[ignore = "needs otelcol; cargo xtask test --only servers"]
fn a_collector_receives_all_signals_in_spite_of_settings_that_are_not_known() {
    let ports = Ports::free();
    let collector = Collector::start(ports);
    let mut variables = ports.variables("GRPC");
    variables.retain(|(name, _)| *name != "OTEL_METRICS_EXPORTER");
    let odd = [
        ("OTEL_METRICS_EXPORTER", "otlp,prometheus"),
        ("OTEL_TRACES_EXPORTER", "console,OTLP"),
        ("OTEL_TRACES_SAMPLER", "ALWAYS_ON"),
        ("OTEL_PROPAGATORS", "b3,tracecontext"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "0"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "0"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "0"),
        ("OTEL_METRIC_EXPORT_TIMEOUT", "0"),
        ("OTEL_SPAN_LINK_COUNT_LIMIT", "0"),
    ];
    variables.extend(odd.map(|(name, value)| (name, value.to_owned())));
    let mut demo = Demo::start_with(&["--database-url", "sqlite::memory:"], &variables);
    assert_eq!(demo.get("/error?status=503").0, 503);
    collector.wait_for(&[
        "Name           : GET /error",
        "a request to /error failed, as requested",
        "Name: http.server.request.duration",
    ]);
    demo.signal("TERM");
    assert_eq!(demo.wait().code(), Some(0));
}

#[test]
#[ignore = "needs otelcol; cargo xtask test --only servers"]
fn a_collector_that_is_down_costs_nothing_and_is_found_again() {
    for protocol in ["grpc", "http/protobuf"] {
        let ports = Ports::free();
        let (demo, log) = demo(ports, protocol);
        for _ in 0..20 {
            assert_eq!(demo.get("/").0, 200);
        }
        let items = |result: &str| {
            let labels = ["signal=\"traces\"", &format!("result=\"{result}\"")];
            demo.metric("sre_kit_telemetry_items_total", &labels)
        };
        let lost = || items("failed") + items("dropped");
        wait(|| if lost() > 0.0 { Ok(()) } else { Err("nothing was counted as lost".to_owned()) });
        let lines = fs::read_to_string(log).expect("there");
        let told = lines.lines().filter(|line| {
            line.contains("the collector does not take") && line.contains("\"traces\"")
        });
        assert_eq!(told.count(), 1, "once, and not for each batch");

        let collector = Collector::start(ports);
        wait(|| {
            demo.get("/");
            if items("exported") > 0.0 { Ok(()) } else { Err("nothing is delivered".to_owned()) }
        });
        collector.wait_for(&["Name           : GET /"]);
    }
}

#[test]
#[ignore = "needs otelcol; cargo xtask test --only servers"]
fn no_span_is_lost_on_the_way_out() {
    for protocol in ["grpc", "http/protobuf"] {
        let ports = Ports::free();
        let collector = Collector::start(ports);
        let (mut demo, _) = demo(ports, protocol);
        demo.get("/");
        collector.wait_for(&["Name           : GET /"]);
        for _ in 0..50 {
            demo.get("/slow?ms=0");
        }
        demo.signal("TERM");
        assert_eq!(demo.wait().code(), Some(0));
        assert_eq!(collector.spans("GET /slow"), 50, "{protocol}");
    }
}

#[test]
#[ignore = "needs otelcol; cargo xtask test --only servers"]
fn the_pool_of_a_process_that_ends_before_its_first_push_is_seen() {
    let ports = Ports::free();
    let collector = Collector::start(ports);
    let mut variables = ports.variables("grpc");
    variables.retain(|(name, _)| *name != "OTEL_METRIC_EXPORT_INTERVAL");
    let mut demo = Demo::start_with(&["--database-url", "sqlite::memory:"], &variables);
    demo.signal("TERM");
    assert_eq!(demo.wait().code(), Some(0));
    collector.wait_for(&["-> Name: db.client.connection.count"]);
}

#[test]
#[ignore = "needs otelcol; cargo xtask test --only servers"]
fn long_headers_do_not_make_a_batch_that_the_collector_refuses() {
    // A collector takes messages of up to 4 MiB by gRPC. The second demo is told to keep the values
    // whole, so that its batches are split.
    for limit in [None, Some("70000")] {
        let ports = Ports::free();
        let collector = Collector::start(ports);
        let mut variables = ports.variables("grpc");
        let limit = limit.map(|limit| ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", limit.to_owned()));
        variables.extend(limit.clone());
        // All in one batch, which is sent at the end.
        variables.retain(|(name, _)| *name != "OTEL_BSP_SCHEDULE_DELAY");
        variables.push(("OTEL_BSP_SCHEDULE_DELAY", "600000".to_owned()));
        let mut demo = Demo::start_with(&["--database-url", "sqlite::memory:"], &variables);
        for _ in 0..200 {
            assert_eq!(demo.get_with_agent("/slow?ms=0", 60_000), 200);
        }
        demo.signal("TERM");
        assert_eq!(demo.wait().code(), Some(0), "{limit:?}");
        assert_eq!(collector.spans("GET /slow"), 200, "{limit:?}");
    }
}
