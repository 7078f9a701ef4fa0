//! A server that can be replaced under load without losing a request.
//!
//! ```text
//! cargo run --example rollout
//! curl localhost:PORT/          # the port is printed
//! kill -TERM PID                # and watch the phases
//! ```
//!
//! Bounds come from the environment, see `LifecycleBuilder`. What the process
//! prints is for people and for the rollout test beside this file.

#![allow(clippy::print_stdout)]

use std::error::Error;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use sre_kit::golden_signals::{GoldenSignals, RouteSource};
use sre_kit::health::Health;
use sre_kit::lifecycle::{Lifecycle, ShutdownReport};
use sre_kit::metrics::Registry;
use sre_kit::server::{ConnectionMetrics, Server};
use sre_kit::telemetry::Telemetry;
use tokio::net::TcpListener;

/// An answer that takes a while, so that there is always one under way.
async fn work() -> &'static str {
    tokio::time::sleep(Duration::from_millis(20)).await;
    "done"
}

#[tokio::main]
async fn main() -> Result<ShutdownReport, Box<dyn Error>> {
    let registry = Registry::new();
    // Spans go to a collector where OTEL_EXPORTER_OTLP_ENDPOINT names one.
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

    // The last spans are sent when the last request has ended.
    lifecycle.on_flush("spans", move |budget| {
        let flushed = telemetry.shutdown_blocking(budget);
        if flushed.is_complete() { Ok(()) } else { Err(flushed.to_string().into()) }
    });

    // Probes of their own listener, which closes last.
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
