//! Service level objectives (SLOs): definitions, burn-rate tiers and canary analysis. With the
//! feature `render`, also the Prometheus rules, their tests, dashboards and runbooks.
//!
//! ```
//! use std::time::Duration;
//!
//! use sre_kit_slo::{Objective, Slo, Slos};
//!
//! let slos = Slos::new("shop", [
//!     Slo::availability("checkout", Objective::percent(99.9)?).routes(["/checkout"]),
//!     Slo::latency("search-latency", Objective::percent(99.0)?, Duration::from_millis(300))
//!         .routes(["/search"]),
//! ])?;
//! let checkout = slos.get("checkout").expect("defined above");
//! let fast = &checkout.tiers()[0];
//! assert_eq!(fast.name(), "fast");
//! assert_eq!(fast.factor().to_string(), "14.4");
//! assert_eq!(fast.threshold().to_string(), "0.0144");
//! # Ok::<(), sre_kit_slo::ConfigError>(())
//! ```
//!
//! # Overview
//!
//! | Step | Type |
//! |---|---|
//! | Write an SLO | [`Slo`], with an [`Objective`], a [`Period`] and burn [`Tier`]s |
//! | Validate the SLOs of a service | [`Slos::new`], which returns a [`ConfigError`] that says what to change |
//! | Read the result | [`Definition`] and its [`BurnTier`]s |
//! | Generate files for the cluster | `render`, with the feature of that name |
//! | Compare a canary with its fleet | [`canary::CanaryGate`] |
//!
//! This crate counts nothing. In the crate `sre-kit`, `sre_kit::slo::Budgets` counts events by a
//! set of [`Slos`] and computes burn rates in the process.
//!
//! # Features
//!
//! - `render` adds the module `render`: generated files, and the import of OpenSLO and Sloth. It
//!   brings in `serde`, `serde_json`, `serde_yaml_ng` and `similar`. Without it the crate depends
//!   only on `sre-kit-core`.
//!
//! # Formulas
//!
//! With the objective O:
//!
//! | Quantity | Formula |
//! |---|---|
//! | error budget | `b = 1 - O` |
//! | error ratio of a window | `bad / (good + bad)` |
//! | burn rate of a window | `error ratio / b` |
//! | factor of a tier that stands for the share `p` of the budget of the period `P` | `p x P / L`, with its long window `L` |
//! | time from the start of a burn until the tier fires | `L x factor x b / error ratio` |
//!
//! A tier fires while the burn rate is above its factor over its long *and* its short window
//! (*Site Reliability Workbook*, chapter 5). At 99.9 %, a total outage pages after 52 s.
//!
//! # Low traffic
//!
//! At 99.9 %, a single failure in an hour of fewer than 70 requests is a burn rate above 14.4, and
//! it proves nothing. A page therefore needs a minimum of bad events in its long window. With fewer
//! it is a ticket, so that no burn stays unnoticed.
//!
//! The default is the smallest minimum with which a service that is exactly at its objective causes
//! at most one false page in 20 months, at every traffic, by the exact binomial distribution:
//!
//! | Objective | `fast` (14.4, 1 h) | `medium` (6, 6 h) |
//! |---|---|---|
//! | 95 % | 4 | 6 |
//! | 99 % | 5 | 7 |
//! | 99.9 % | 5 | 7 |
//! | 99.99 % | 5 | 7 |
//! | 99.999 % | 5 | 7 |
//!
//! [`Tier::min_bad_events`] and [`Tier::any_bad_event`] change it.

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod canary;
mod decimal;
mod definition;
mod objective;
#[cfg(feature = "render")]
#[cfg_attr(docsrs, doc(cfg(feature = "render")))]
pub mod render;
mod statistics;

pub use decimal::Decimal;
pub use definition::{
    BurnTier, Definition, DependencyGap, EventClass, EventSource, Indicator, LatencyEnd, Period,
    Severity, Slo, Slos, Tier, TierAdjustment, Window,
};
pub use objective::Objective;
pub use sre_kit_core::ConfigError;

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
