//! Assertions about metrics, SLOs, alerts, log lines and spans, for the tests of a service.
//!
//! Enable the feature `testing` for tests only:
//!
//! ```toml
//! [dev-dependencies]
//! sre-kit = { version = "0.1", features = ["testing"] }
//! ```
//!
//! A [`TestKit`] is a [`SreKit`](crate::SreKit) that opens no port and shares nothing with other
//! kits: each test builds its own, and any number of tests run in parallel. Its [`TestClient`] calls
//! the service without a connection.
//!
//! ```
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use sre_kit::golden_signals::Routes;
//! use sre_kit::slo::Slo;
//! use sre_kit::testing::TestKit;
//! use sre_kit::{ConfigError, SreKit, SreKitBuilder};
//! # use bytes::Bytes;
//! # use tower::Layer;
//!
//! // The service has two functions that `main` calls, too: one for the settings of the kit ...
//! fn kit() -> Result<SreKitBuilder, ConfigError> {
//!     Ok(SreKit::builder(sre_kit::build_info!())
//!         .routes(Routes::new(["/checkout"])?)
//!         .slo(Slo::availability("checkout", "99.9".parse()?).routes(["/checkout"])))
//! }
//!
//! // ... and one for the application, here without a framework.
//! # type App = sre_kit::golden_signals::GoldenSignalsService<tower::util::ServiceFn<fn(Request<Full<Bytes>>) -> std::future::Ready<Result<Response<Full<Bytes>>, std::convert::Infallible>>>>;
//! # fn handler(request: Request<Full<Bytes>>) -> std::future::Ready<Result<Response<Full<Bytes>>, std::convert::Infallible>> {
//! #     tracing::info!(cart = 7, "paid");
//! #     let status = if request.uri().query() == Some("fail") { 500 } else { 200 };
//! #     std::future::ready(Ok(Response::builder().status(status).body(Full::default()).unwrap()))
//! # }
//! fn app(kit: &SreKit) -> App {
//! #   let handler: fn(Request<Full<Bytes>>) -> _ = handler;
//!     kit.http_layer().layer(tower::service_fn(handler))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), ConfigError> {
//! let test = TestKit::new(kit()?)?;
//! let client = test.client(app(test.kit()));
//!
//! client.get("/checkout").await.assert_status(200);
//! client.get("/checkout?fail").await.assert_status(500);
//!
//! let requests = test.metric("sre_kit_http_server_requests_total");
//! requests.label("http_route", "/checkout").assert_rose_by(2);
//! test.slo("checkout").assert_good(1).assert_bad(1);
//! test.assert_logged("paid").assert_field("cart", 7);
//! test.assert_nothing_in_flight();
//! # Ok(())
//! # }
//! ```
//!
//! | Question | Assertion |
//! |---|---|
//! | Did this counter rise? | [`TestKit::metric`], [`MetricAssert::assert_rose_by`] |
//! | Was the request good or bad for the SLO? | [`TestKit::slo`], [`SloAssert::assert_bad`] |
//! | Does the page fire when the checkout fails? | [`assert_alert!`] |
//! | Does it stay quiet otherwise? | [`assert_no_alert!`] |
//! | Was this logged, with these fields? | [`TestKit::assert_logged`], [`TestKit::assert_no_warnings`] |
//! | Which spans did the request have? | `TestKit::spans`, `SpanTree::assert_tree`, with the feature `telemetry` |
//! | Does anything that a client sends become a label? | [`TestKit::assert_no_new_series`] |
//! | Does a request leak? | [`TestKit::assert_nothing_in_flight`] |
//! | What does Prometheus see? | [`Scrape`] |
//! | Do names, units and attributes follow OpenTelemetry's semantic conventions? | [`Conventions`] |
//! | What does the exporter do when the collector fails? | `Collector`, with the feature `otlp` |
//!
//! A failed assertion says what was expected, what was found, and what else was there.
//!
//! The example [`testing`](https://github.com/sre-kit/sre-kit/blob/main/examples/examples/testing.rs) is a complete program.
//!
//! # Time
//!
//! SLO windows and request durations of a test kit have a time of their own. It follows tokio's
//! time, so that a handler that sleeps in a test with `#[tokio::test(start_paused = true)]` is as
//! slow as it would be, and takes no time. [`TestKit::advance`] moves it further, by hours if needed.
//!
//! # Isolation
//!
//! Nothing is global. The subscriber of a test kit is current while its client polls a request;
//! tasks that a handler spawns need [`TestKit::set_default`].

mod alert;
mod call_context;
#[cfg(feature = "otlp")]
mod collector;
mod conventions;
mod log_line;
mod log_store;
#[cfg(not(feature = "telemetry"))]
mod log_subscriber;
mod macros;
mod scrape;
mod slo_assert;
#[cfg(feature = "telemetry")]
mod span_tree;
mod test_client;
mod test_kit;
mod test_response;
mod test_time;

#[doc(hidden)]
pub use alert::{AlertWait, QuietWait};
#[cfg(feature = "otlp")]
#[cfg_attr(docsrs, doc(cfg(feature = "otlp")))]
pub use collector::{Answer, Collector};
pub use conventions::{ConventionViolation, Conventions, ValueType};
pub use log_line::LogLine;
#[doc(inline)]
pub use macros::{assert_alert, assert_no_alert};
pub use scrape::{MetricAssert, ParseError, Scrape, Series};
pub use slo_assert::SloAssert;
#[cfg(feature = "telemetry")]
#[cfg_attr(docsrs, doc(cfg(feature = "telemetry")))]
pub use span_tree::SpanTree;
#[cfg(feature = "otlp")]
#[cfg_attr(docsrs, doc(cfg(feature = "otlp")))]
#[doc(inline)]
pub use sre_kit_telemetry::testing::OtlpRecord;
#[cfg(feature = "telemetry")]
#[cfg_attr(docsrs, doc(cfg(feature = "telemetry")))]
#[doc(inline)]
pub use sre_kit_telemetry::testing::{CapturedSpans, Span};
pub use test_client::TestClient;
pub use test_kit::{SubscriberGuard, TestKit};
pub use test_response::TestResponse;
