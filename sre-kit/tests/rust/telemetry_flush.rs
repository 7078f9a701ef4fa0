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
    let items = Scrape::of(registry).metric("sre_kit_telemetry_items_total");
    let value = items.label("signal", "traces").label("result", result).value();
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
