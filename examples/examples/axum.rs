//! An axum service whose routes come from axum's `MatchedPath`, without a second declaration.
//!
//! ```text
//! cargo run -p sre-kit-examples --example axum
//! curl localhost:8080/hello/you
//! curl localhost:9464/slo
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
use sre_kit::slo::{Objective, Slo};
use tokio::net::TcpListener;

async fn hello(Path(name): Path<String>) -> String {
    format!("Hello, {name}.\n")
}

fn main() -> std::io::Result<ExitCode> {
    lifecycle::run_main(serve())
}

async fn serve() -> Result<ShutdownReport, Box<dyn Error>> {
    let mut kit = SreKit::builder(sre_kit::build_info!())
        .routes(RouteSource::axum())
        .slo(Slo::availability("hello", Objective::percent(99.9)?).routes(["/hello/{name}"]))
        .with_env()?
        .build()?;
    // Use `Router::layer`: axum has matched the route when it calls this layer. Set the fallback
    // before it, so that the layer also counts unknown paths.
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
    Ok(kit.serve(listener, app).await?)
}
