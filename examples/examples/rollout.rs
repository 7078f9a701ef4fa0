//! A server that can be replaced under load without losing a request.
//!
//! ```text
//! cargo run -p sre-kit-examples --example rollout
//! curl localhost:PORT/          # it prints the port
//! kill -TERM PID                # it prints the phases
//! ```
//!
//! The environment sets the time limits of the phases, see `LifecycleBuilder`. The rollout test in
//! `tests/` parses the output.

#![allow(clippy::print_stdout, reason = "examples print to standard output")]

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use sre_kit::golden_signals::{GoldenSignals, RouteSource};
use sre_kit::health::Health;
use sre_kit::lifecycle::{self, Lifecycle, ShutdownReport};
use sre_kit::metrics::Registry;
use sre_kit::server::{ConnectionMetrics, Server};
use sre_kit::telemetry::Telemetry;
use tokio::net::TcpListener;

/// Responds after 20 ms, so that there is always a request in flight.
async fn work() -> &'static str {
    tokio::time::sleep(Duration::from_millis(20)).await;
    "done"
}

fn main() -> std::io::Result<ExitCode> {
    lifecycle::run_main(serve())
}

async fn serve() -> Result<ShutdownReport, Box<dyn Error>> {
    let registry = Registry::new();
    // Exports spans if OTEL_EXPORTER_OTLP_ENDPOINT names a collector.
    let telemetry = Telemetry::from_env()?;
    let signals = GoldenSignals::builder()
        .routes(RouteSource::axum())
        .telemetry(&telemetry)
        .build(&registry)?;
    let health = Health::builder().build(&registry)?;
    let connections = ConnectionMetrics::new(&registry)?;
    let lifecycle = Lifecycle::builder()
        .with_env()?
        .health(&health)
        .server(Server::builder().metrics(&connections))
        .build(&registry)?;

    // Exports the last spans after the last request has ended.
    lifecycle.on_flush("spans", move |budget| {
        let flushed = telemetry.shutdown_blocking(budget);
        if flushed.is_complete() { Ok(()) } else { Err(flushed.to_string().into()) }
    });

    // Serves probes on a second listener, which closes last.
    let probes = TcpListener::bind("127.0.0.1:0").await?;
    println!("probes on {}", probes.local_addr()?);
    let admin =
        Server::builder().name("admin").max_connections(64).metrics(&connections).build()?;
    lifecycle.add_admin_server(admin.start(probes, health.service()));

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    let router = Router::new().route("/", get(work)).route_layer(signals.layer());
    health.spawn();
    let outcome = lifecycle.serve(listener, router).await;

    for (phase, took) in outcome.phases() {
        println!("phase {phase} took {}", took.as_secs_f64());
    }
    println!("requests started {}, in flight {}", signals.started(), signals.in_flight());
    Ok(outcome)
}
