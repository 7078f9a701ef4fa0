//! Service level objectives (SLOs): one definition for the process and for the cluster.
//!
//! [`Slos`] is the definition. [`Budgets`] counts events by it in this process, exports them and
//! computes burn rates. [`render`] generates rules, alerts, their tests and dashboards from it.
//!
//! ```
//! use std::time::Duration;
//!
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
//!
//! let checkout = budgets.slo("checkout")?;
//! if checkout.burning_fast() {
//!     // Skip optional work, or sample every trace.
//! }
//! assert_eq!(checkout.burn_rate(Window::hours(1)), 0.0);
//! # Ok::<(), sre_kit::ConfigError>(())
//! ```
//!
//! A service that uses the whole kit passes its SLOs to `SreKit::builder` instead and gets the
//! budgets from `SreKit::budgets`.
//!
//! The examples [`slo_only`](https://github.com/sre-kit/sre-kit/blob/main/examples/examples/slo_only.rs) and [`burn_aware`](https://github.com/sre-kit/sre-kit/blob/main/examples/examples/burn_aware.rs) are complete programs.
//!
//! # How to
//!
//! | Task | Item |
//! |---|---|
//! | Define SLOs for requests | [`Slo::availability`], [`Slo::latency`]: the [`golden_signals`](crate::golden_signals) layer records the events |
//! | Define an SLO for calls to another service | [`Slo::dependency`]: the `outbound` layer records the events |
//! | Define an SLO for jobs and messages | [`Slo::work`]: [`work`](crate::work) records the events |
//! | Define an SLO for other events | [`Slo::ratio`]: record its events with [`Budget::record_good`] and [`Budget::record_bad`] |
//! | Change what is good, bad or excluded | the [table of outcomes](Slo#which-events-are-good) |
//! | Act on a burning budget in code | [`Budget::burning_fast`], [`Budget::tier_state`], [`Budget::burn_rate`] |
//! | Keep the windows across restarts | [`BudgetsBuilder::checkpoint`] |
//! | Show the state to humans | [`Budgets::report`], which the admin listener serves as `/slo` |
//! | Generate files for the cluster | [`render`] |
//! | Compare a canary with its fleet | [`canary`] |
//!
//! # Exported metrics
//!
//! | Metric | Type | Labels | Value |
//! |---|---|---|---|
//! | `slo_events_total` | counter | `service`, `slo`, `outcome` (`good`, `bad`) | valid events; both series exist at zero from the start |
//! | `slo_events_excluded_total` | counter | `service`, `slo`, `reason` | excluded events |
//! | `slo_objective_ratio` | gauge | `service`, `slo` | the objective |
//! | `slo_window_seconds` | gauge | `service`, `slo` | the period of the objective |
//! | `slo_instance_error_ratio` | gauge | `service`, `slo`, `window` | bad events divided by valid events |
//! | `slo_instance_burn_rate` | gauge | `service`, `slo`, `window` | error ratio divided by error budget |
//! | `slo_instance_window_events` | gauge | `service`, `slo`, `window` | valid events in the window |
//! | `slo_instance_window_coverage_ratio` | gauge | `service`, `slo`, `window` | the share of the window that was observed |
//! | `slo_instance_error_budget_remaining_ratio` | gauge | `service`, `slo` | 1 minus the burn rate of the period; negative if the budget is overspent |
//! | `slo_instance_alert_state` | gauge | `service`, `slo`, `tier` | 0 quiet, 1 rising, 2 cooling, 3 firing, see [`TierState`] |
//!
//! The counters are the truth, and the generated rules sum them over all instances. The
//! `slo_instance_*` gauges show what one instance observed. They are meant for code, for comparing
//! a canary with its fleet, and for a look while Prometheus is down. No rule may read them.
//! [`counters_only`](BudgetsBuilder::counters_only) leaves them out.
//!
//! # Formulas
//!
//! With the objective O, the error budget is b = 1 - O, and the burn rate of a window is
//! `(bad / valid) / b`. A tier that stands for the share p of the budget of the period P has the
//! factor `p x P / L`, with its long window L. It fires while the burn rate is above the factor
//! over its long *and* its short window (*Site Reliability Workbook*, chapter 5). It fires
//! `L x factor x b / error ratio` after a burn has begun, which is 52 s for a total outage at 99.9 %.
//!
//! # Windows
//!
//! A snapshot of the counters is taken every two seconds, and a window is the difference of two
//! snapshots. Older snapshots are kept at a coarser resolution:
//!
//! | Age of the snapshot | Resolution |
//! |---|---|
//! | up to 5 minutes | 2 s |
//! | up to 1 hour | 10 s |
//! | up to 2 hours | 40 s |
//! | up to 6 hours | 2 min |
//! | up to 3 days | 8 min |
//! | up to the period | 1 h or finer: at least 180 steps per period |
//!
//! An SLO over 30 days needs 35 kB for them.
//!
//! A standard window is therefore never shorter than requested and at most 0.7 % longer, and its
//! counts are exact for [its span](WindowStats::span). If ticks were missed, it starts at the last
//! snapshot before the gap. While the process is younger than the window,
//! [`WindowStats::coverage`] is below 1.
//!
//! # Low traffic
//!
//! At 99.9 %, a single failure in an hour of fewer than 70 requests is a burn rate above 14.4, and
//! it proves nothing. A page therefore needs a minimum of bad events in its long window, which
//! follows from the binomial distribution: 5 for the tier `fast` and 7 for `medium` at 99.9 %. With
//! fewer bad events it is a ticket. See [`sre_kit_slo`](sre_kit_slo#low-traffic) for the other
//! objectives.

#[cfg(feature = "render")]
#[doc(inline)]
pub use sre_kit_slo::render;
#[doc(inline)]
pub use sre_kit_slo::{
    BurnTier, Decimal, Definition, DependencyGap, EventClass, EventSource, Indicator, LatencyEnd,
    Objective, Period, Severity, Slo, Slos, Tier, TierAdjustment, Window, canary,
};

pub use crate::budget::{
    Budget, Budgets, BudgetsBuilder, CheckpointError, Clock, ManualClock, Report, SloReport,
    Ticker, TierReport, TierState, TierStatus, WindowReport, WindowStats,
};
