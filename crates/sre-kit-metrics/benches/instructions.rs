//! Counts the instructions of one measurement through each API with callgrind.
//!
//! ```sh
//! cargo bench -p sre-kit-metrics --all-features --bench instructions
//! ```
//!
//! It needs Valgrind. The program runs itself twice for each case, the second time with twice as
//! many measurements; the difference divided by their number cancels everything else. Unlike time,
//! the count is the same in every run.

#![allow(clippy::print_stdout, reason = "it prints a table")]

use std::hint::black_box;
use std::process::Command;

use opentelemetry::KeyValue;
use opentelemetry::metrics::MeterProvider as _;
use sre_kit_metrics::{Buckets, Registry};

const TIMES: u64 = 10_000;

const CASES: [&str; 11] = [
    "kit, counter",
    "kit, histogram",
    "facade, kept counter",
    "facade, counter! each time",
    "facade, three labels each time",
    "facade, kept histogram",
    "opentelemetry, bound counter",
    "opentelemetry, no attributes",
    "opentelemetry, three attributes",
    "opentelemetry, bound histogram",
    "opentelemetry, gauge without attributes",
];

fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    if let [_, case, times] = &arguments[..]
        && let Ok(times) = times.parse()
    {
        return record(case, times);
    }
    println!("{:40} instructions", "");
    let mut counter = 0.0;
    for case in CASES {
        let (once, twice) = (count(case, TIMES), count(case, 2 * TIMES));
        let one = (twice - once) / TIMES as f64;
        if case == CASES[0] {
            counter = one;
        }
        println!("{case:40} {one:8.0} {:6.2} x", one / counter);
    }
}

/// Returns the instructions of a whole run.
fn count(case: &str, times: u64) -> f64 {
    let program = std::env::current_exe().expect("this program has a path");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args([case, &times.to_string()])
        .output()
        .expect("valgrind runs");
    let text = String::from_utf8_lossy(&output.stderr);
    let collected = text.lines().find_map(|line| line.split_once("Collected : "));
    let (_, count) = collected.unwrap_or_else(|| panic!("callgrind counted nothing: {text}"));
    count.trim().parse().expect("a number")
}

fn repeat(times: u64, measure: impl Fn()) {
    for _ in 0..times {
        measure();
    }
}

fn record(case: &str, times: u64) {
    let registry = Registry::new();
    let meter = registry.meter_provider().meter("bench");
    let three = [
        KeyValue::new("http.request.method", "GET"),
        KeyValue::new("http.response.status_code", 200),
        KeyValue::new("http.route", "/items/{id}"),
    ];
    let jobs = meter.u64_counter("jobs").build();
    let waits = meter.f64_histogram("wait").with_unit("s").build();
    metrics::with_local_recorder(&registry.metrics_recorder(), || match case {
        "kit, counter" => {
            let counter = registry.counter("kit_total", "Counts.").expect("free");
            repeat(times, || black_box(&counter).add(black_box(1)));
        }
        "kit, histogram" => {
            let buckets = Buckets::seconds([0.005, 0.05, 0.5, 5.0]).expect("valid");
            let histogram = registry.histogram("kit_seconds", "Waits.", &buckets).expect("free");
            repeat(times, || black_box(&histogram).observe(black_box(0.25)));
        }
        "facade, kept counter" => {
            let counter = metrics::counter!("kept");
            repeat(times, || black_box(&counter).increment(black_box(1)));
        }
        "facade, counter! each time" => {
            repeat(times, || metrics::counter!("each").increment(black_box(1)));
        }
        "facade, three labels each time" => repeat(times, || {
            metrics::counter!("three", "a" => "1", "b" => "2", "c" => "3").increment(black_box(1));
        }),
        "facade, kept histogram" => {
            let histogram = metrics::histogram!("kept_seconds");
            repeat(times, || black_box(&histogram).record(black_box(0.25)));
        }
        "opentelemetry, bound counter" => {
            let bound = jobs.bind(&three);
            repeat(times, || black_box(&bound).add(black_box(1)));
        }
        "opentelemetry, no attributes" => repeat(times, || black_box(&jobs).add(black_box(1), &[])),
        "opentelemetry, three attributes" => {
            repeat(times, || black_box(&jobs).add(black_box(1), black_box(&three)));
        }
        "opentelemetry, bound histogram" => {
            let bound = waits.bind(&three);
            repeat(times, || black_box(&bound).record(black_box(0.25)));
        }
        "opentelemetry, gauge without attributes" => {
            let gauge = meter.f64_gauge("load").build();
            repeat(times, || black_box(&gauge).record(black_box(0.25), &[]));
        }
        other => panic!("{other} is no case"),
    });
}
