//! The manual: learn the kit in an hour.
//!
//! It holds pages and no code; each part's own page is the reference.
//!
//! | Minutes | Page | You will |
//! |---|---|---|
//! | 10 | [`quick_start`] | put the kit into a service of hyper, axum or tonic, and look at it |
//! | 10 | [`choosing_slos`] | write down what the service promises |
//! | 10 | [`burn_rates`] | read what fires, and know what to do |
//! | 10 | [`on_gke`] | have a rollout that loses no request |
//! | 10 | [`iam_database`] | log in to PostgreSQL without a password |
//! | 10 | [`to_the_cluster`] | take the same definition from the laptop to the cluster |
//! | when needed | [`migration`] | come from axum-prometheus, autometrics or opentelemetry-instrumentation-tower |
//! | when needed | [`metrics`] | look up every metric, its unit, its labels, and a query |

pub mod burn_rates;
pub mod choosing_slos;
pub mod iam_database;
pub mod metrics;
pub mod migration;
pub mod on_gke;
pub mod quick_start;
pub mod to_the_cluster;
