//! The first hour: from `cargo add` to a page that fires on a laptop.
//!
//! You write a service with one route and one SLO, see its signals, test that a failing checkout
//! pages, and then let a real Prometheus and a real Alertmanager raise that page. A test of the
//! repository executes every block of this page.
//!
//! # 1. A new service
//!
//! ```sh
//! cargo new shop
//! cd shop
//! cargo add sre-kit --features axum,console,render
//! cargo add --dev sre-kit --features testing
//! cargo add axum
//! cargo add tokio --features macros,net,rt-multi-thread
//! ```
//!
//! `console` adds a page that shows the service live, `render` generates the alerts, and `testing`
//! is for the tests only.
//!
//! # 2. The service
//!
//! `kit` has the settings, `app` the routes. They are functions of their own, because the tests
//! call them, too. `Router::layer` comes last, so that the layer sees which route matched.
//!
#![cfg_attr(all(feature = "axum", feature = "render"), doc = "```no_run")]
#![cfg_attr(not(all(feature = "axum", feature = "render")), doc = "```ignore")]
//! // src/main.rs
//! use std::error::Error;
//! use std::process::ExitCode;
//! use std::time::Duration;
//!
//! use axum::Router;
//! use axum::http::{StatusCode, Uri};
//! use axum::routing::get;
//! use sre_kit::golden_signals::RouteSource;
//! use sre_kit::lifecycle::{self, ShutdownReport};
//! use sre_kit::slo::render::{Options, render};
//! use sre_kit::slo::{Slo, Slos};
//! use sre_kit::{ConfigError, SreKit, SreKitBuilder};
//! use tokio::net::TcpListener;
//!
//! #[cfg(test)]
//! mod tests;
//!
//! /// What the service promises.
//! fn slos() -> Result<Vec<Slo>, ConfigError> {
//!     Ok(vec![Slo::availability("checkout", "99.9".parse()?).routes(["/checkout"])])
//! }
//!
//! fn kit() -> Result<SreKitBuilder, ConfigError> {
//!     Ok(SreKit::builder(sre_kit::build_info!()).routes(RouteSource::axum()).slos(slos()?))
//! }
//!
//! fn app(kit: &SreKit) -> Router {
//!     Router::new().route("/checkout", get(checkout)).layer(kit.http_layer())
//! }
//!
//! async fn checkout(uri: Uri) -> StatusCode {
//!     match uri.query() {
//!         Some("fail") => StatusCode::INTERNAL_SERVER_ERROR,
//!         _ => StatusCode::OK,
//!     }
//! }
//!
//! async fn serve() -> Result<ShutdownReport, Box<dyn Error>> {
//!     let kit = kit()?.with_env()?.build()?;
//!     let app = app(&kit);
//!     let listener = TcpListener::bind("127.0.0.1:8080").await?;
//!     Ok(kit.serve(listener, app).await?)
//! }
//!
//! fn main() -> Result<ExitCode, Box<dyn Error>> {
//!     if std::env::args().nth(1).as_deref() == Some("rules") {
//!         let often = Duration::from_secs(5);
//!         let options = Options::new().scrape_interval(often).evaluation_interval(often);
//!         render(&Slos::new("shop", slos()?)?, &options)?.write("rules")?;
//!         return Ok(ExitCode::SUCCESS);
//!     }
//!     Ok(lifecycle::run_main(serve())?)
//! }
//! ```
//!
//! # 3. Test that a failing checkout pages
//!
//! The time in this test is virtual. It takes less than a second and needs no port.
//!
//! ```ignore
//! // src/tests.rs
//! use std::time::Duration;
//!
//! use sre_kit::testing::{TestKit, assert_alert, assert_no_alert};
//!
//! #[tokio::test]
//! async fn a_failing_checkout_pages_within_a_minute() {
//!     let test = TestKit::new(crate::kit().unwrap()).unwrap();
//!     let client = test.client(crate::app(test.kit()));
//!     test.past_traffic("checkout", 1, Duration::from_hours(2));
//!
//!     assert_no_alert!(test, "checkout", within = 5m, while client.get("/checkout").await);
//!     let fail = "/checkout?fail";
//!     assert_alert!(test, "checkout", Fast, within = 60s, while client.get(fail).await);
//!
//!     test.slo("checkout").assert_good(300);
//!     test.assert_nothing_in_flight();
//! }
//! ```
//!
//! ```sh
//! cargo test
//! ```
//!
//! [`testing_signals`](super::testing_signals) shows the other assertions.
//!
//! # 4. Run it
//!
//! ```sh
//! # In a second terminal
//! cargo run
//! ```
//!
//! ```sh
//! curl --silent --fail --retry 300 --retry-delay 1 --retry-connrefused 127.0.0.1:8080/checkout
//! curl --silent 127.0.0.1:9464/metrics | grep 'http_route="/checkout"'
//! curl --silent 127.0.0.1:9464/slo | grep 'checkout: availability 99.9 %'
//! curl --silent '127.0.0.1:9464/readyz?verbose'
//! ```
//!
//! Open `http://127.0.0.1:9464/` in a browser: the console shows the same, live.
//!
//! ![The console with request rate, latency, error budgets and checks][console]
//!
//! [console]: https://raw.githubusercontent.com/sre-kit/sre-kit/main/docs/console.png
//!
//! # 5. Generate the alerts
//!
//! ```sh
//! cargo run -- rules
//! promtool check rules rules/prometheus/checkout.rules.yaml
//! promtool test rules rules/prometheus/checkout.test.yaml
//! ```
//!
//! The tests beside the rules prove that each alert fires in time and at no other time. The folder
//! also has a dashboard for Grafana, a runbook per alert and thresholds for k6.
//!
//! # 6. Prometheus and Alertmanager
//!
//! Install both. The command of the second is `prometheus-alertmanager` on Debian and
//! `alertmanager` elsewhere.
//!
//! ```yaml
//! # prometheus.yml
//! global: {scrape_interval: 5s, evaluation_interval: 5s}
//! rule_files: ["rules/prometheus/*.rules.yaml"]
//! alerting:
//!   alertmanagers: [{static_configs: [{targets: ["127.0.0.1:9093"]}]}]
//! scrape_configs:
//!   - job_name: shop
//!     static_configs: [{targets: ["127.0.0.1:9464"]}]
//! ```
//!
//! ```sh
//! # In a third terminal
//! prometheus-alertmanager --config.file=rules/alertmanager/alertmanager.yaml \
//!   --storage.path=alertmanager-data --cluster.listen-address= \
//!   --web.listen-address=127.0.0.1:9093
//! ```
//!
//! ```sh
//! # In a fourth terminal
//! prometheus --config.file=prometheus.yml --storage.tsdb.path=prometheus-data \
//!   --web.listen-address=127.0.0.1:9090
//! ```
//!
//! # 7. Break it
//!
//! ```sh
//! # In a fifth terminal
//! while sleep 0.2; do
//!   curl --silent --output /dev/null '127.0.0.1:8080/checkout?fail'
//! done
//! ```
//!
//! The page arrives at Alertmanager within a minute:
//!
//! ```sh
//! until curl --silent 127.0.0.1:9093/api/v2/alerts | grep '"severity":"page"'; do sleep 1; done
//! ```
//!
//! It names the SLO, the tier `fast` and the runbook. `http://127.0.0.1:9090/alerts` shows why it
//! fires, and [`burn_rates`](super::burn_rates) explains it. A service with an hour of good traffic
//! behind it would be paged after 52 seconds of a total outage; this one has no past, so it is
//! paged earlier.
//!
//! # 8. Stop it
//!
//! Press Ctrl-C in the terminals, the service's first. It turns readiness off, keeps serving for 10
//! seconds while a load balancer would move its clients elsewhere, finishes the requests in flight
//! and exits. Set `SRE_KIT_DRAIN_DELAY=0` on a laptop.
//!
//! # Next
//!
//! | To | Read |
//! |---|---|
//! | choose objectives that fit | [`choosing_slos`](super::choosing_slos) |
//! | keep `axum::serve` | [`axum_serve`](super::axum_serve) |
//! | run it on Kubernetes | [`to_the_cluster`](super::to_the_cluster), [`on_gke`](super::on_gke) |
