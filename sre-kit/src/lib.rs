//! Golden signals, SLO burn rates, probes and graceful shutdown for a Rust service.
//!
//! One dependency, three statements: build the kit, put its layer around a service,
//! serve. From then on every request is counted once, promises are watched, probes tell
//! the truth, and a rollout loses nothing.
//!
//! ```no_run
//! use sre_kit::SreKit;
//! use sre_kit::golden_signals::Routes;
//! use sre_kit::slo::Slo;
//! use tower::Layer;
//! # use bytes::Bytes;
//! # use http_body_util::Full;
//!
//! #[tokio::main]
//! async fn main() -> Result<sre_kit::lifecycle::ShutdownReport, Box<dyn std::error::Error>> {
//! #   let app = tower::service_fn(|_: http::Request<hyper::body::Incoming>| async {
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
//! ```
//!
//! The [`manual`] teaches the rest in an hour; [`manual::metrics`] lists every metric.
//!
//! # The parts
//!
//! Each works alone, and nothing is global: a process may have as many as it likes.
//!
//! | Part | For |
//! |---|---|
//! | [`golden_signals`] | a tower layer that counts every request once, by route and outcome |
//! | [`slo`] | objectives, burn rates in the process, and rules, dashboards and tests made from the same definition |
//! | [`health`] | startup, readiness and liveness, from checks that run in the background |
//! | [`lifecycle`] | serving, and a way out that loses nothing |
//! | [`saturation`] | how full everything is, and a limit that sheds instead of queueing without bound |
//! | [`metrics`] | the registry under all of this, and what scrapers are answered |
//! | [`admin`] | the second listener: metrics, probes, budgets, the console |
//! | `db`, `telemetry` | a database without passwords; traces and logs over OTLP. See the features |
//! | [`SreKit`] | the parts wired together |
//!
//! # Features
//!
//! None is on by default, and each only adds.
//!
//! | Feature | Adds | Costs |
//! |---|---|---|
//! | `axum` | `RouteSource::axum()`: route labels from axum's `MatchedPath` | axum, without its default features |
//! | `tonic` | `Routes::tonic`, and the gRPC health checking protocol | tonic, tonic-health |
//! | `console` | a page on the admin listener that shows the service live | 120 KB of the binary |
//! | `exposition` | `metrics::Exposition`: a tower service that answers scrapes; part of `admin` | flate2, http-body-util |
//! | `protobuf` | protobuf exposition and native histograms | prost |
//! | `telemetry` | traces, logs and metrics over OTLP | the OpenTelemetry SDK, tracing-subscriber, reqwest |
//! | `db` | PostgreSQL by password or by any token, through sea-orm | sea-orm, sqlx, rustls |
//! | `db-iam` | Google Cloud's tokens for `db`, and the Cloud SQL connector | google-cloud-auth |
//! | `db-sqlite` | SQLite for `db` | SQLite, built from C |
//! | `migrate` | migrations that many instances may start at once | sea-orm-migration |
//!
//! # Errors
//!
//! A setting that cannot work is a [`ConfigError`] when the kit is built: one sentence
//! with the field, the value, the rule and what to do. After that nothing panics on
//! what a client sends or a server answers.
//!
//! # Stability
//!
//! Versions follow [Semantic Versioning](https://semver.org/). The public API is
//!
//! * every public item, but for what is marked as hidden;
//! * names, labels and units of metrics, and what an outcome means;
//! * names of environment variables and of admin pages, exit codes;
//! * names of generated rules, alerts and their labels.
//!
//! A new metric, or a new value of a label, is an addition. The text of messages and
//! logs, the look of the console and what it asks of `/console/data` may change in any
//! version.
//!
//! The lowest Rust is 1.95. It goes up with a minor version, never with a patch, and
//! never to one that is younger than six months.
//!
//! The code is free of `unsafe`. Public types of other crates in this API are those of
//! `http`, `http-body`, `bytes`, `hyper`, `tower-service`, `tower-layer`, `tokio` and `serde_json`, of
//! `prometheus-client` in [`metrics::Registry::register`], and of a feature's own crate;
//! a new major version of one of them is a new major version here.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod budget;

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

#[cfg(feature = "serve")]
pub use kit::{SreKit, SreKitBuilder};
pub use sre_kit_core::{ConfigError, PoolUsage, RequestHead, ResponseHead, Shed};
pub use sre_kit_metrics::build_info;
