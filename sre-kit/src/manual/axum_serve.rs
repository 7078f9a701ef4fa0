//! The kit and axum's own `serve`.
//!
//! A service that keeps `axum::serve` replaces `kit.serve(listener, app)` by
//! [`SreKit::run`](crate::SreKit::run) and a task:
//!
#![cfg_attr(feature = "axum", doc = "```no_run")]
#![cfg_attr(not(feature = "axum"), doc = "```ignore")]
//! use std::process::ExitCode;
//!
//! use axum::Router;
//! use axum::routing::get;
//! use sre_kit::SreKit;
//! use sre_kit::golden_signals::RouteSource;
//! use sre_kit::lifecycle::{self, ShutdownReport};
//! use tokio::net::TcpListener;
//!
//! async fn serve() -> Result<ShutdownReport, Box<dyn std::error::Error>> {
//!     let kit = SreKit::builder(sre_kit::build_info!())
//!         .routes(RouteSource::axum())
//!         .with_env()?
//!         .build()?;
//!     let app = Router::new().route("/", get(async || "Hello.\n")).layer(kit.http_layer());
//!     let listener = TcpListener::bind("127.0.0.1:8080").await?;
//!
//!     let drain = kit.lifecycle().drain_signal();
//!     let shutdown = kit.lifecycle().shutdown_handle();
//!     kit.lifecycle().tasks().spawn(async move {
//!         let server = axum::serve(listener, app);
//!         let ended = server.with_graceful_shutdown(async move { drain.closing().await }).await;
//!         // If the server ends by itself, the process ends, too.
//!         shutdown.trigger(format!("axum::serve ended: {ended:?}"));
//!     });
//!     Ok(kit.run().await?)
//! }
//!
//! fn main() -> std::io::Result<ExitCode> {
//!     lifecycle::run_main(serve())
//! }
//! ```
//!
//! The order stays that of a [graceful shutdown](crate::lifecycle#graceful-shutdown): SIGTERM turns
//! readiness off, axum keeps accepting for the drain delay, then it closes its listener and finishes
//! its requests within the drain timeout, hooks run, and the admin listener closes last.
//!
//! # What differs
//!
//! | | `axum::serve` | `kit.serve` |
//! |---|---|---|
//! | golden signals, SLOs, probes, admin listener | the same | the same |
//! | requests that the drain timeout cuts off | one task in `lifecycle_cut_off_total` | each request and connection, counted |
//! | during the drain delay | clients are not told to reconnect | `Connection: close` and GOAWAY |
//! | connection metrics | none | those of [`ConnectionMetrics`](crate::server::ConnectionMetrics) |
//! | bounds of connections | none | see [`server`](crate::server) |
//!
//! Use `axum::serve` if it already works for you, or for a listener that only it takes. The example
//! [`axum_serve`](https://github.com/sre-kit/sre-kit/blob/main/examples/examples/axum_serve.rs) is a complete program.
