//! An axum service that keeps `axum::serve` and leaves everything else to the kit.
//!
//! See `sre_kit::manual::axum_serve` for what differs from `kit.serve`.
//!
//! ```text
//! cargo run -p sre-kit-examples --example axum_serve
//! curl localhost:8080/hello/you
//! curl localhost:9464/metrics
//! ```
//!
//! `LISTEN` and `SRE_KIT_ADMIN` set other addresses.
#![allow(clippy::print_stdout, reason = "examples print to standard output")]

use std::error::Error;
use std::process::ExitCode;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use sre_kit::SreKit;
use sre_kit::golden_signals::RouteSource;
use sre_kit::lifecycle::{self, ShutdownReport};
use tokio::net::TcpListener;

async fn hello(Path(name): Path<String>) -> String {
    format!("Hello, {name}.\n")
}

fn main() -> std::io::Result<ExitCode> {
    lifecycle::run_main(serve())
}

async fn serve() -> Result<ShutdownReport, Box<dyn Error>> {
    let mut kit =
        SreKit::builder(sre_kit::build_info!()).routes(RouteSource::axum()).with_env()?.build()?;
    let app = Router::new()
        .route("/hello/{name}", get(hello))
        .fallback(async || (http::StatusCode::NOT_FOUND, "Try /hello/you.\n"))
        .layer(kit.http_layer());

    let address = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("service on http://{}/hello/you", listener.local_addr()?);
    if let Some(admin) = kit.start_admin().await? {
        println!("metrics on http://{admin}/metrics");
    }

    // The graceful shutdown waits for this task. axum closes its listener when the drain delay is
    // over, and ends when its requests have ended.
    let drain = kit.lifecycle().drain_signal();
    let shutdown = kit.lifecycle().shutdown_handle();
    kit.lifecycle().tasks().spawn(async move {
        let server = axum::serve(listener, app);
        let ended = server.with_graceful_shutdown(async move { drain.closing().await }).await;
        // If the server ends by itself, the process ends, too.
        shutdown.trigger(format!("axum::serve ended: {ended:?}"));
    });
    Ok(kit.run().await?)
}
