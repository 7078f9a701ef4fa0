//! The guide to sre-kit. Begin with [`first_hour`]; the other pages go deeper.
//!
//! The pages contain no code of the library. The reference of each part is the documentation of
//! its module.
//!
//! | Minutes | Page | What you get |
//! |---|---|---|
//! | 60 | [`first_hour`] | all of it once, from `cargo add` to a page that fires on a laptop |
//! | 10 | [`quick_start`] | a hyper, axum or tonic service with metrics, probes and graceful shutdown |
//! | 10 | [`choosing_slos`] | service level objectives that fit the service |
//! | 10 | [`burn_rates`] | the meaning of each burn-rate alert, and what to do when it fires |
//! | 10 | `calling_others`, feature `outbound` | calls to other services: peers, causes of failures, the order of layers |
//! | 10 | [`on_gke`] | probes and graceful shutdown on Kubernetes, for rollouts without lost requests |
//! | 10 | [`iam_database`] | a PostgreSQL login with IAM tokens instead of a password |
//! | 10 | [`to_the_cluster`] | rules, dashboards and a chart generated from the SLOs of the service |
//! | 10 | [`testing_signals`] | tests of counters, spans, log lines, SLOs and alerts |
//! | 5 | [`axum_serve`] | the kit in a service that keeps `axum::serve` |
//! | as needed | [`migration`] | replacements for axum-prometheus, autometrics and opentelemetry-instrumentation-tower |
//! | as needed | [`metrics`] | every metric with its unit, its labels and an example query |

pub mod axum_serve;
pub mod burn_rates;
#[cfg(all(feature = "outbound", feature = "serve"))]
#[cfg_attr(docsrs, doc(cfg(feature = "outbound")))]
pub mod calling_others;
pub mod choosing_slos;
pub mod first_hour;
pub mod iam_database;
pub mod metrics;
pub mod migration;
pub mod on_gke;
pub mod quick_start;
pub mod testing_signals;
pub mod to_the_cluster;
