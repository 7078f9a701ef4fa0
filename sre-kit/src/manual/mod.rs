//! The guide to sre-kit. It takes about an hour.
//!
//! The pages contain no code of the library. The reference of each part is the documentation of
//! its module.
//!
//! | Minutes | Page | What you get |
//! |---|---|---|
//! | 10 | [`quick_start`] | a hyper, axum or tonic service with metrics, probes and graceful shutdown |
//! | 10 | [`choosing_slos`] | service level objectives that fit the service |
//! | 10 | [`burn_rates`] | the meaning of each burn-rate alert, and what to do when it fires |
//! | 10 | [`on_gke`] | probes and graceful shutdown on Kubernetes, for rollouts without lost requests |
//! | 10 | [`iam_database`] | a PostgreSQL login with IAM tokens instead of a password |
//! | 10 | [`to_the_cluster`] | rules, dashboards and a chart generated from the SLOs of the service |
//! | as needed | [`migration`] | replacements for axum-prometheus, autometrics and opentelemetry-instrumentation-tower |
//! | as needed | [`metrics`] | every metric with its unit, its labels and an example query |

pub mod burn_rates;
pub mod choosing_slos;
pub mod iam_database;
pub mod metrics;
pub mod migration;
pub mod on_gke;
pub mod quick_start;
pub mod to_the_cluster;
