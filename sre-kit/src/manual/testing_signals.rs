//! Testing your signals: counters, spans, log lines, SLOs and alerts.
//!
//! A metric that nobody tests is wrong when it is needed. With the feature `testing`, a test drives
//! the service without a port and asserts what it recorded:
//!
//! ```toml
//! [dev-dependencies]
//! sre-kit = { version = "0.1", features = ["testing"] }
//! ```
//!
//! All examples of this page use the same service. Its `kit` and `app` are the functions that
//! `main` calls:
//!
#![cfg_attr(all(feature = "testing", feature = "axum"), doc = "```")]
#![cfg_attr(not(all(feature = "testing", feature = "axum")), doc = "```ignore")]
//! use axum::Router;
//! use axum::http::{StatusCode, Uri};
//! use axum::routing::get;
//! use sre_kit::golden_signals::RouteSource;
//! use sre_kit::slo::Slo;
//! use sre_kit::{ConfigError, SreKit, SreKitBuilder};
//!
//! pub fn kit() -> Result<SreKitBuilder, ConfigError> {
//!     Ok(SreKit::builder(sre_kit::build_info!())
//!         .routes(RouteSource::axum())
//!         .slo(Slo::availability("checkout", "99.9".parse()?).routes(["/checkout"])))
//! }
//!
//! pub fn app(kit: &SreKit) -> Router {
//!     Router::new().route("/checkout", get(checkout)).layer(kit.http_layer())
//! }
//!
//! async fn checkout(uri: Uri) -> StatusCode {
//!     if uri.query() == Some("fail") {
//!         tracing::error!(reason = "declined", "the payment failed");
//!         return StatusCode::INTERNAL_SERVER_ERROR;
//!     }
//!     StatusCode::OK
//! }
//! ```
//!
//! # Counters, SLOs and log lines
//!
#![cfg_attr(all(feature = "testing", feature = "axum"), doc = "```")]
#![cfg_attr(not(all(feature = "testing", feature = "axum")), doc = "```ignore")]
//! # use axum::Router;
//! # use axum::http::{StatusCode, Uri};
//! # use axum::routing::get;
//! # use sre_kit::golden_signals::RouteSource;
//! # use sre_kit::slo::Slo;
//! # use sre_kit::{ConfigError, SreKit, SreKitBuilder};
//! #
//! # pub fn kit() -> Result<SreKitBuilder, ConfigError> {
//! #     Ok(SreKit::builder(sre_kit::build_info!())
//! #         .routes(RouteSource::axum())
//! #         .slo(Slo::availability("checkout", "99.9".parse()?).routes(["/checkout"])))
//! # }
//! #
//! # pub fn app(kit: &SreKit) -> Router {
//! #     Router::new().route("/checkout", get(checkout)).layer(kit.http_layer())
//! # }
//! #
//! # async fn checkout(uri: Uri) -> StatusCode {
//! #     if uri.query() == Some("fail") {
//! #         tracing::error!(reason = "declined", "the payment failed");
//! #         return StatusCode::INTERNAL_SERVER_ERROR;
//! #     }
//! #     StatusCode::OK
//! # }
//! use sre_kit::testing::TestKit;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), ConfigError> {
//! let test = TestKit::new(kit()?)?;
//! let client = test.client(app(test.kit()));
//! client.get("/checkout").await.assert_status(200);
//! client.get("/checkout?fail").await.assert_status(500);
//!
//! test.metric("sre_kit_http_server_requests_total").label("outcome", "error").assert_rose_by(1);
//! test.slo("checkout").assert_good(1).assert_bad(1);
//! test.assert_logged("payment failed").assert_field("reason", "declined");
//! # Ok(())
//! # }
//! ```
//!
//! A failed assertion is a sentence with what was expected, what was found and what is near:
//!
//! ```text
//! expected `sre_kit_http_server_requests_total{outcome="shed"}` to rise by 1, but it rose by 0.
//! The nearest series are:
//!   sre_kit_http_server_requests_total{http_request_method="GET",http_route="/checkout",outcome="error",url_scheme="http"} 1 (was 0)
//!   sre_kit_http_server_requests_total{http_request_method="GET",http_route="/checkout",outcome="ok",url_scheme="http"} 1 (was 0)
//! ```
//!
//! # Alerts
//!
//! Time is virtual, so that hours pass in milliseconds. First give the service a past; then let it
//! fail, and assert when the page fires:
//!
#![cfg_attr(all(feature = "testing", feature = "axum"), doc = "```")]
#![cfg_attr(not(all(feature = "testing", feature = "axum")), doc = "```ignore")]
//! # use axum::Router;
//! # use axum::http::{StatusCode, Uri};
//! # use axum::routing::get;
//! # use sre_kit::golden_signals::RouteSource;
//! # use sre_kit::slo::Slo;
//! # use sre_kit::{ConfigError, SreKit, SreKitBuilder};
//! #
//! # pub fn kit() -> Result<SreKitBuilder, ConfigError> {
//! #     Ok(SreKit::builder(sre_kit::build_info!())
//! #         .routes(RouteSource::axum())
//! #         .slo(Slo::availability("checkout", "99.9".parse()?).routes(["/checkout"])))
//! # }
//! #
//! # pub fn app(kit: &SreKit) -> Router {
//! #     Router::new().route("/checkout", get(checkout)).layer(kit.http_layer())
//! # }
//! #
//! # async fn checkout(uri: Uri) -> StatusCode {
//! #     if uri.query() == Some("fail") {
//! #         tracing::error!(reason = "declined", "the payment failed");
//! #         return StatusCode::INTERNAL_SERVER_ERROR;
//! #     }
//! #     StatusCode::OK
//! # }
//! use std::time::Duration;
//!
//! use sre_kit::testing::{TestKit, assert_alert, assert_no_alert};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), ConfigError> {
//! let test = TestKit::new(kit()?)?;
//! let client = test.client(app(test.kit()));
//! test.past_traffic("checkout", 1, Duration::from_hours(2));
//!
//! assert_no_alert!(test, "checkout", within = 10m, while client.get("/checkout").await);
//! assert_alert!(test, "checkout", Fast, within = 60s, while client.get("/checkout?fail").await);
//! # Ok(())
//! # }
//! ```
//!
//! # Spans
//!
//! With the feature `telemetry`, every span is kept, and a test compares the tree:
//!
#![cfg_attr(all(feature = "testing", feature = "axum", feature = "telemetry"), doc = "```")]
#![cfg_attr(
    not(all(feature = "testing", feature = "axum", feature = "telemetry")),
    doc = "```ignore"
)]
//! # use axum::Router;
//! # use axum::http::{StatusCode, Uri};
//! # use axum::routing::get;
//! # use sre_kit::golden_signals::RouteSource;
//! # use sre_kit::slo::Slo;
//! # use sre_kit::{ConfigError, SreKit, SreKitBuilder};
//! #
//! # pub fn kit() -> Result<SreKitBuilder, ConfigError> {
//! #     Ok(SreKit::builder(sre_kit::build_info!())
//! #         .routes(RouteSource::axum())
//! #         .slo(Slo::availability("checkout", "99.9".parse()?).routes(["/checkout"])))
//! # }
//! #
//! # pub fn app(kit: &SreKit) -> Router {
//! #     Router::new().route("/checkout", get(checkout)).layer(kit.http_layer())
//! # }
//! #
//! # async fn checkout(uri: Uri) -> StatusCode {
//! #     if uri.query() == Some("fail") {
//! #         tracing::error!(reason = "declined", "the payment failed");
//! #         return StatusCode::INTERNAL_SERVER_ERROR;
//! #     }
//! #     StatusCode::OK
//! # }
//! use sre_kit::testing::TestKit;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), ConfigError> {
//! let test = TestKit::new(kit()?)?;
//! # let app = |kit: &SreKit| {
//! #     let handler = async || tracing::info_span!("charge").in_scope(|| StatusCode::OK);
//! #     Router::new().route("/checkout", get(handler)).layer(kit.http_layer())
//! # };
//! test.client(app(test.kit())).get("/checkout").await;
//! test.spans().assert_tree("GET /checkout\n  charge");
//! # Ok(())
//! # }
//! ```
//!
//! # Cardinality and leaks
//!
//! Two assertions belong at the end of every test of a service. What a client sends must not become
//! a label, and a request must end:
//!
#![cfg_attr(all(feature = "testing", feature = "axum"), doc = "```")]
#![cfg_attr(not(all(feature = "testing", feature = "axum")), doc = "```ignore")]
//! # use axum::Router;
//! # use axum::http::{StatusCode, Uri};
//! # use axum::routing::get;
//! # use sre_kit::golden_signals::RouteSource;
//! # use sre_kit::slo::Slo;
//! # use sre_kit::{ConfigError, SreKit, SreKitBuilder};
//! #
//! # pub fn kit() -> Result<SreKitBuilder, ConfigError> {
//! #     Ok(SreKit::builder(sre_kit::build_info!())
//! #         .routes(RouteSource::axum())
//! #         .slo(Slo::availability("checkout", "99.9".parse()?).routes(["/checkout"])))
//! # }
//! #
//! # pub fn app(kit: &SreKit) -> Router {
//! #     Router::new().route("/checkout", get(checkout)).layer(kit.http_layer())
//! # }
//! #
//! # async fn checkout(uri: Uri) -> StatusCode {
//! #     if uri.query() == Some("fail") {
//! #         tracing::error!(reason = "declined", "the payment failed");
//! #         return StatusCode::INTERNAL_SERVER_ERROR;
//! #     }
//! #     StatusCode::OK
//! # }
//! use sre_kit::testing::TestKit;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), ConfigError> {
//! let test = TestKit::new(kit()?)?;
//! let client = test.client(app(test.kit()));
//! client.get("/checkout").await;
//! client.get("/nowhere").await;
//! // A series is created when it is first needed: begin to compare now.
//! test.mark();
//! for user in 0..100 {
//!     client.get(&format!("/checkout?user={user}")).await;
//!     client.get(&format!("/nowhere/{user}")).await;
//! }
//! test.assert_no_new_series();
//! test.assert_nothing_in_flight();
//! # Ok(())
//! # }
//! ```
//!
//! # A collector that fails
//!
//! `sre_kit::testing::Collector` is an OTLP collector in the process of the test, which accepts,
//! refuses, closes or hangs as a script says. It needs the feature `otlp`.
//!
//! # Slow handlers
//!
//! The time of a test kit follows tokio's. With `#[tokio::test(start_paused = true)]`, a handler
//! that sleeps for 400 ms is bad for a latency SLO of 300 ms, and the test takes no time.
