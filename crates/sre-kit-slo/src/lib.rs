//! Service level objectives: definitions, burn-rate tiers, canary analysis, and, with the
//! feature `render`, everything that a cluster reads.
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
//! assert_eq!(slos.len(), 2);
//! # Ok::<(), sre_kit_slo::ConfigError>(())
//! ```
//!
//! [`Slos`] is the definition. `sre_kit::slo::Budgets` counts by it in a process; `render`
//! generates rules, alerts, their tests and dashboards from it.
//!
//! # Formulas
//!
//! With the objective O, the budget is b = 1 - O, the burn rate of a window is
//! `(bad / valid) / b`, and a tier that spends the share p of the budget of the
//! period P within its long window L has the factor `p x P / L`. It fires while
//! the burn rate is above the factor over its long *and* its short window:
//! *Site Reliability Workbook*, chapter 5. A burn starts to page after
//! `L x factor x b / error ratio`: 52 s into a total outage at 99.9 %.
//!
//! # Low traffic
//!
//! At 99.9 % a single failure in an hour of fewer than 70 requests is a burn
//! above 14.4, and proves nothing. A page therefore needs a minimum of bad events
//! in its long window; with fewer it is a ticket, never silence. The minimum is
//! the smallest with which a service that is exactly at its objective pages at
//! most once in 20 months, whatever its traffic, by the exact binomial
//! distribution:
//!
//! | Objective | `fast` (14.4, 1 h) | `medium` (6, 6 h) |
//! |---|---|---|
//! | 95 % | 4 | 6 |
//! | 99 % | 5 | 7 |
//! | 99.9 % | 5 | 7 |
//! | 99.99 % | 5 | 7 |
//! | 99.999 % | 5 | 7 |

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod canary;
mod decimal;
mod definition;
mod objective;
#[cfg(feature = "render")]
#[cfg_attr(docsrs, doc(cfg(feature = "render")))]
pub mod render;

pub use decimal::Decimal;
pub use definition::{
    BurnTier, Definition, EventClass, Indicator, LatencyEnd, Period, Severity, Slo, Slos, Tier,
    TierAdjustment, Window,
};
pub use objective::Objective;
pub use sre_kit_core::ConfigError;
