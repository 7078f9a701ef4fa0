//! Golden signals, SLO burn rates, health probes and graceful shutdown for Rust services.
//!
//! `sre-kit` instruments any tower service. One definition of the service level objectives,
//! written in Rust, drives the metrics of the process and generates the Prometheus rules with
//! their tests, alert routes, dashboards, runbooks and load-test thresholds.
//!
//! ```no_run
//! use sre_kit::SreKit;
//! use sre_kit::golden_signals::Routes;
//! use sre_kit::slo::Slo;
//! use tower::Layer;
//! # use bytes::Bytes;
//! # use http_body_util::Full;
//!
//! # #[cfg(feature = "serve")]
//! fn main() -> std::io::Result<std::process::ExitCode> {
//!     sre_kit::lifecycle::run_main(serve())
//! }
//!
//! # #[cfg(feature = "serve")]
//! async fn serve() -> Result<sre_kit::lifecycle::ShutdownReport, Box<dyn std::error::Error>> {
//! #   let app = tower::service_fn(|_: http::Request<sre_kit::server::RequestBody>| async {
//! #       Ok::<_, std::convert::Infallible>(http::Response::new(Full::new(Bytes::new())))
//! #   });
//!     let kit = SreKit::builder(sre_kit::build_info!())
//!         .routes(Routes::new(["/", "/items/{id}"])?)
//!         .slo(Slo::availability("pages", "99.9".parse()?))
//!         .with_env()?
//!         .build()?;
//!     let app = kit.http_layer().layer(app);
//!     let listener = tokio::net::TcpListener::bind("0.0.0.0:8080").await?;
//!     Ok(kit.serve(listener, app).await?)
//! }
//! # #[cfg(not(feature = "serve"))]
//! # fn main() {}
//! ```
//!
//! The [`manual`] is the guide; [`manual::metrics`] lists every metric.
//!
//! # Modules
//!
//! Each module works alone. Nothing is global: a process can have several kits.
//!
//! | Module | Purpose |
//! |---|---|
//! | [`golden_signals`] | a tower layer that counts every request exactly once, by route and outcome |
//! | [`slo`] | objectives, burn rates in the process, generated rules, dashboards and their tests |
//! | [`admission`] | a tower layer that limits concurrency and sheds load |
//! | `outbound` | a tower layer that counts every call to another service exactly once, by peer and outcome |
//! | [`work`] | counts units of work (jobs, messages, tasks) exactly once, by outcome |
//! | [`metrics`] | the registry below all of this, and its exposition |
//! | `health` | startup, readiness and liveness probes from background checks |
//! | `protection` | golden signals, admission, a time limit and a body limit as one layer |
//! | `server`, `lifecycle` | an HTTP/1 and HTTP/2 server, and graceful shutdown |
//! | `saturation` | runtime, control group, pressure and pool metrics |
//! | `admin` | the second listener: metrics, probes, error budgets, the console |
//! | `telemetry` | traces, logs and metrics over OTLP |
//! | `db` | database pools that log in without a password |
//! | `testing` | assertions about all of this in the tests of a service |
//! | `SreKit` | wires the modules together |
//!
//! # Features
//!
//! Features only add. `default-features = false` leaves the layer, admission, SLOs and the
//! registry.
//!
//! | Feature | Adds | Main dependencies |
//! |---|---|---|
//! | `admin` (default) | the admin listener; includes `serve` and `exposition` | flate2 |
//! | `saturation` (default) | `saturation`, and process metrics | nothing |
//! | `serve` | `SreKit`, `server`, `lifecycle`, `health` | hyper, tokio's `net` and `signal` |
//! | `exposition` | `metrics::Exposition`, which answers scrapes over HTTP | flate2 |
//! | `render` | `slo::render`: generated rules, dashboards, imports | serde_yaml_ng, similar |
//! | `axum` | `RouteSource::axum()`: route labels from axum's `MatchedPath` | axum, without its default features |
//! | `tonic` | `Routes::tonic`, and the gRPC health checking protocol | tonic, tonic-health |
//! | `console` | a page on the admin listener that shows the service live | 120 KB of the binary |
//! | `exposition` | `metrics::Exposition`: a tower service that answers scrapes; part of `admin` | flate2, http-body-util |
//! | `outbound` | `outbound`: a layer for the calls to other services | h2, hyper-util's client |
//! | `protobuf` | protobuf exposition | prost |
//! | `metrics-facade` | `metrics::MetricsRecorder`: `counter!` of every crate counts in the registry | metrics |
//! | `opentelemetry-metrics` | `metrics::RegistryMeterProvider`: OpenTelemetry's instruments count in the registry | opentelemetry |
//! | `tikv-prometheus` | `Registry::gather_from`: metrics of the `prometheus` crate | prometheus |
//! | `telemetry` | log lines with trace ids, trace contexts, spans for your own exporter | the OpenTelemetry SDK, tracing-subscriber |
//! | `otlp` | traces, logs and metrics over OTLP; includes `telemetry` | opentelemetry-otlp, tonic, reqwest |
//! | `tls` | TLS on the main listener and on the admin listener, with `aws-lc-rs` or `ring` | rustls |
//! | `db` | `db`, a pool through sea-orm, of the databases that the next three add | sea-orm, sqlx |
//! | `db-postgres` | PostgreSQL by password or by any token | rustls without a provider |
//! | `db-iam` | PostgreSQL with Google Cloud's tokens, and the Cloud SQL connector | google-cloud-auth |
//! | `db-sqlite` | SQLite | SQLite, built from C |
//! | `migrate` | migrations that many instances may start at once | sea-orm-migration |
//! | `testing` | `testing`: a kit without ports for the tests of a service | nothing |
//! | `aws-lc-rs`, `ring` | TLS with that provider, in the parts that use TLS | aws-lc-rs, built from C; ring |
//!
//! # TLS
//!
//! The parts that use TLS (`tls` on the listeners, `otlp` for `https:` endpoints, `db-postgres` with
//! the server's CA, `db-iam`) do so through rustls, whose provider of cryptography is your choice:
//!
//! ```toml
//! sre-kit = { version = "0.1", features = ["otlp", "ring"] }
//! ```
//!
//! No provider is on by default, because a service without TLS should not build one. Choose one of
//! the two features: `ring` builds faster; `aws-lc-rs` has post-quantum key exchange, and the Cloud
//! SQL connector needs its RSA keys. If another crate turns on both, `aws-lc-rs` is used. A
//! provider that the program installs with `rustls::crypto::CryptoProvider::install_default` before
//! it builds the kit takes precedence over both. A part that needs TLS in a build without a
//! provider is a [`ConfigError`] that names these features.
//!
//! # Errors
//!
//! A setting that cannot work is a [`ConfigError`] when a part is built: one sentence with the
//! field, the value, the rule and what to do. After that, nothing panics on what a client sends
//! or a server answers.
//!
//! # Stability
//!
//! Versions follow [Semantic Versioning](https://semver.org/). The public API consists of
//!
//! * every public item, except hidden ones;
//! * names, labels and units of metrics, and the meaning of each outcome;
//! * names of environment variables and of admin pages, and exit codes;
//! * names of generated rules, alerts and their labels.
//!
//! A new metric and a new value of a label are additions. The text of messages and logs, the
//! look of the console and the format of `/console/data` may change in any version.
//!
//! The lowest supported Rust version is 1.91: 1.95 with `db` or `telemetry`, 1.87 for
//! `sre-kit-core`, `sre-kit-metrics` and `sre-kit-slo`. It is raised in minor versions only, and
//! never to a version that is younger than six months.
//!
//! The code contains no `unsafe`. The API exposes types of `http`, `http-body`, `bytes`,
//! `tower-service`, `tower-layer`, `tokio` and `serde_json`, of `prometheus-client` in
//! [`metrics::Registry::register`], and of the crate that a feature is named after; a new major
//! version of one of them is a new major version of this crate.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod budget;
mod counts;
mod id_map;
mod unwind;

#[cfg(feature = "admin")]
#[cfg_attr(docsrs, doc(cfg(feature = "admin")))]
pub mod admin;
pub mod admission;
#[cfg(feature = "db")]
#[cfg_attr(docsrs, doc(cfg(feature = "db")))]
pub mod db;
pub mod golden_signals;
#[cfg(feature = "serve")]
#[cfg_attr(docsrs, doc(cfg(feature = "serve")))]
pub mod health;
#[cfg(feature = "serve")]
#[cfg_attr(docsrs, doc(cfg(feature = "serve")))]
pub mod kit;
#[cfg(feature = "serve")]
#[cfg_attr(docsrs, doc(cfg(feature = "serve")))]
pub mod lifecycle;
pub mod manual;
pub mod metrics;
#[cfg(feature = "outbound")]
#[cfg_attr(docsrs, doc(cfg(feature = "outbound")))]
pub mod outbound;
#[cfg(feature = "serve")]
#[cfg_attr(docsrs, doc(cfg(feature = "serve")))]
pub mod protection;
#[cfg(feature = "saturation")]
#[cfg_attr(docsrs, doc(cfg(feature = "saturation")))]
pub mod saturation;
#[cfg(feature = "serve")]
#[cfg_attr(docsrs, doc(cfg(feature = "serve")))]
pub mod server;
pub mod slo;
#[cfg(feature = "telemetry")]
#[cfg_attr(docsrs, doc(cfg(feature = "telemetry")))]
pub mod telemetry;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;
pub mod work;

#[cfg(feature = "serve")]
pub use kit::{SreKit, SreKitBuilder};
pub use sre_kit_core::{ConfigError, PoolUsage, RequestHead, ResponseHead, Shed};
pub use sre_kit_metrics::build_info;

/// The README's example is a test.
#[cfg(all(doctest, feature = "admin"))]
#[doc = include_str!("../../README.md")]
struct Readme;
