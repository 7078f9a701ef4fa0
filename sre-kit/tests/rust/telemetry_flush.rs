//! The last spans of a process, with a collector that takes them and with others
//! that do not, on every kind of runtime.
#![cfg(all(feature = "otlp", feature = "testing"))]

use std::time::Duration;

use sre_kit::metrics::Registry;
use sre_kit::telemetry::{FlushStatus, Protocol, Sampler, Telemetry};
use sre_kit::testing::{Answer, Collector, Scrape};
use tokio::runtime::{Builder, Runtime};

const SPANS: usize = 100;
/// Longer than any flush takes.
const LONG: Duration = Duration::from_mins(1);

fn telemetry(protocol: Protocol, collector: &Collector) -> (Telemetry, Registry) {
    let registry = Registry::new();
    let telemetry = Telemetry::builder().sampler(Sampler::always_on());
    let telemetry = telemetry.otlp_traces(protocol, collector.endpoint()).expect("valid");
    let telemetry = telemetry.build().expect("valid");
    telemetry.register(&registry).expect("its own registry");
    (telemetry, registry)
}

fn make_spans(telemetry: &Telemetry) {
    tracing::dispatcher::with_default(telemetry.dispatch(), || {
        for _ in 0..SPANS {
            tracing::info_span!("work").in_scope(|| ());
        }
    });
}

/// Spans by what became of them.
fn became(registry: &Registry, result: &str) -> usize {
    items(registry, "traces", result)
}

fn items(registry: &Registry, signal: &str, result: &str) -> usize {
    let items = Scrape::of(registry).metric("sre_kit_telemetry_items_total");
    let value = items.label("signal", signal).label("result", result).value();
    value.expect("shown").to_string().parse().expect("a whole number")
}

/// A process with one thread, with one worker, and with two.
fn runtimes() -> [Runtime; 3] {
    let workers = |n| Builder::new_multi_thread().worker_threads(n).enable_all().build();
    let single = Builder::new_current_thread().enable_all().build();
    [single, workers(1), workers(2)].map(|runtime| runtime.expect("a runtime"))
}

#[test]
fn a_healthy_collector_gets_every_span_whatever_the_runtime() {
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
        for runtime in runtimes() {
            let collector = Collector::start().expect("a port is free");
            let (telemetry, registry) = runtime.block_on(async { telemetry(protocol, &collector) });
            // From a task, which is where a worker waits for itself if it can.
            let flushed = runtime.block_on(async {
                let spawned = tokio::spawn(async move {
                    make_spans(&telemetry);
                    telemetry.shutdown(LONG).await
                });
                spawned.await.expect("no panic")
            });
            assert_eq!(flushed.to_string(), "traces flushed");
            assert_eq!(collector.spans().len(), SPANS);
            assert_eq!(became(&registry, "exported"), SPANS);
        }
    }
}

#[test]
fn what_a_collector_rejects_from_a_batch_is_dropped_and_not_exported() {
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
        let collector = Collector::start().expect("a port is free");
        collector.answer_always(Answer::Reject(1));
        let endpoint = collector.endpoint();
        // All in one batch, which is sent at the end.
        let delays = ["OTEL_BSP_SCHEDULE_DELAY", "OTEL_BLRP_SCHEDULE_DELAY"];
        let lookup = |name: &str| delays.contains(&name).then(|| "600000".to_owned());
        let telemetry = Telemetry::builder_from_vars(lookup)
            .expect("valid")
            .sampler(Sampler::always_on())
            .log_writer(std::io::sink)
            .otlp_traces(protocol, endpoint)
            .and_then(|builder| builder.otlp_logs(protocol, endpoint))
            .and_then(|builder| builder.otlp_metrics(protocol, endpoint))
            .and_then(sre_kit::telemetry::TelemetryBuilder::build)
            .expect("valid");
        let registry = Registry::new();
        telemetry.register(&registry).expect("its own registry");
        tracing::dispatcher::with_default(telemetry.dispatch(), || {
            for _ in 0..3 {
                tracing::info_span!("pay").in_scope(|| tracing::info!("paid"));
            }
        });
        let flushed = telemetry.shutdown_blocking(LONG);
        for (signal, status) in flushed.signals() {
            assert_eq!(status, FlushStatus::Failed, "{protocol:?} {signal}");
        }
        for (signal, exported) in [("traces", 2), ("logs", 2), ("metrics", 0)] {
            for (result, count) in [("exported", exported), ("failed", 0), ("dropped", 1)] {
                let found = items(&registry, signal, result);
                assert_eq!(found, count, "{protocol:?} {signal} {result}");
            }
        }
    }
}

#[test]
fn the_gauges_of_what_closes_before_the_first_push_arrive() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use sre_kit_telemetry::internal::TelemetryInternals as _;

    for (kept, arrives) in [(true, true), (false, false)] {
        let collector = Collector::start().expect("a port is free");
        let telemetry = Telemetry::builder()
            .log_writer(std::io::sink)
            .otlp_metrics(Protocol::HttpProtobuf, collector.endpoint())
            .and_then(sre_kit::telemetry::TelemetryBuilder::build)
            .expect("valid");
        let (registry, open) = (Registry::new(), Arc::new(AtomicBool::new(true)));
        let pool = Arc::clone(&open);
        let connections = registry.gauge_fn("pool_connections", "Connections.", &[], move |all| {
            if pool.load(Ordering::Relaxed) {
                all.push(&[], 3.0);
            }
        });
        connections.expect("its own name");
        telemetry.register(&registry).expect("its own registry");
        if kept {
            telemetry.keep_metrics();
        }
        open.store(false, Ordering::Relaxed);
        assert!(telemetry.shutdown_blocking(LONG).is_complete());
        assert_eq!(collector.metrics().contains("pool_connections"), arrives);
        assert_eq!(collector.requests(), if kept { 2 } else { 1 });
    }
}

#[test]
fn what_a_collector_does_not_take_is_told_and_counted() {
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
        for answer in [Answer::TooManyRequests, Answer::Close] {
            let collector = Collector::start().expect("a port is free");
            collector.answer_always(answer);
            let (telemetry, registry) = telemetry(protocol, &collector);
            make_spans(&telemetry);
            let flushed = telemetry.shutdown_blocking(LONG);
            assert!(!flushed.is_complete(), "{protocol:?} {answer:?}: {flushed}");
            assert_eq!(flushed.signals().next(), Some(("traces", FlushStatus::Failed)));
            let lost = became(&registry, "failed") + became(&registry, "dropped");
            assert_eq!(
                (became(&registry, "exported"), lost),
                (0, SPANS),
                "{protocol:?} {answer:?}"
            );
        }
    }
}
