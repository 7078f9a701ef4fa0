//! Service level objectives: one definition for the process and the cluster.
//!
//! ```
//! use std::time::Duration;
//! use sre_kit::golden_signals::{GoldenSignals, Routes};
//! use sre_kit::metrics::Registry;
//! use sre_kit::slo::{Budgets, Objective, Slo, Slos, Window};
//!
//! let slos = Slos::new("shop", [
//!     Slo::availability("checkout", Objective::percent(99.9)?).routes(["/checkout"]),
//!     Slo::latency("search-latency", Objective::percent(99.0)?, Duration::from_millis(300))
//!         .routes(["/search"]),
//! ])?;
//! let registry = Registry::new();
//! let budgets = Budgets::new(&registry, &slos)?;
//! let signals = GoldenSignals::builder()
//!     .routes(Routes::new(["/checkout", "/search"])?)
//!     .slos(&budgets)
//!     .build(&registry)?;
//! // In a service: `let ticker = budgets.spawn();`
//! let checkout = budgets.slo("checkout")?;
//! if checkout.burning_fast() {
//!     // Leave optional work out, sample every trace.
//! }
//! assert_eq!(checkout.burn_rate(Window::hours(1)), 0.0);
//! # Ok::<(), sre_kit::ConfigError>(())
//! ```
//!
//! [`Slos`] is the definition. [`Budgets`] counts by it in this process, and
//! [`render`] writes rules, alerts, their tests and dashboards from it.
//!
//! # What is exported
//!
//! | Metric | Kind | Labels | Meaning |
//! |---|---|---|---|
//! | `slo_events_total` | counter | `service`, `slo`, `outcome` (`good`, `bad`) | valid events; both exist at zero from the start |
//! | `slo_events_excluded_total` | counter | `service`, `slo`, `reason` | events that are left out |
//! | `slo_objective_ratio`, `slo_window_seconds` | gauge | `service`, `slo` | the objective and its period |
//! | `slo_instance_error_ratio`, `slo_instance_burn_rate`, `slo_instance_window_events`, `slo_instance_window_coverage_ratio` | gauge | and `window` | what this instance saw |
//! | `slo_instance_error_budget_remaining_ratio` | gauge | `service`, `slo` | 1 - burn over the period; negative when overspent |
//! | `slo_instance_alert_state` | gauge | and `tier` | 0 quiet, 1 rising, 2 cooling, 3 firing |
//!
//! The counters are the truth: rules add them up over all instances. What is
//! called `slo_instance_` is for code, for a canary beside its fleet and for a
//! look while Prometheus is down; no rule may read it.
//! [`counters_only`](BudgetsBuilder::counters_only) leaves it out.
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
//! # Windows
//!
//! Every two seconds a snapshot of the counters is taken. A window is the difference of two
//! snapshots, which are kept two seconds apart for five minutes, ten for an hour,
//! 40 for two hours, two minutes for six hours, eight for three days, and an hour
//! or less for the period: 35 kB for an SLO over 30 days. A standard window is
//! never shorter than asked and at most 0.7 % longer, and its counts are exact for
//! just that time; after missed ticks it is longer by the hole that it begins in.
//! Before there was so much time, [`coverage`](Reading::coverage) is below 1.
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

#[cfg(feature = "render")]
#[doc(inline)]
pub use sre_kit_slo::render;
#[doc(inline)]
pub use sre_kit_slo::{
    BurnTier, Decimal, Definition, EventClass, Indicator, LatencyEnd, Objective, Period, Severity,
    Slo, Slos, Tier, TierAdjustment, Window, canary,
};

pub use crate::budget::{
    Budget, Budgets, BudgetsBuilder, CheckpointError, Clock, ManualClock, Report, SloReport,
    Ticker, TierReport, TierState, TierStatus, WindowReport, WindowStats,
};
