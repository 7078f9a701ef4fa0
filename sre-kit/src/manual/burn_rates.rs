//! Burn rates: what the alerts mean, and what to do when one fires.
//!
//! # The burn rate
//!
//! The *error budget* is the share of events that may fail: 0.1 % for an objective of 99.9 %. The
//! *burn rate* of a window is the share of bad events in that window, divided by the budget:
//!
//! ```text
//! burn(w) = (bad(w) / valid(w)) / (1 − objective)
//! ```
//!
//! A burn rate of 1 uses up the budget exactly at the end of the period, a burn rate of 14.4 in two
//! of thirty days. In a full outage, the burn rate of a 99.9 % objective is 1 000. In a window
//! without events, it is 0.
//!
//! ```
//! use sre_kit::metrics::Registry;
//! use sre_kit::slo::{Budgets, Slo, Slos, Window};
//!
//! let slos = Slos::new("shop", [Slo::ratio("orders", "99.9".parse()?)])?;
//! let budgets = Budgets::new(&Registry::new(), &slos)?;
//! let orders = budgets.slo("orders")?;
//! orders.add(990, 10); // 990 good events, 10 bad ones
//! budgets.tick();
//! assert!((orders.burn_rate(Window::hours(1)) - 10.0).abs() < 1e-9);
//! # Ok::<(), sre_kit::ConfigError>(())
//! ```
//!
//! # Two windows per alert
//!
//! The long window shows that the burn is significant, the short one that it still continues. A
//! tier fires while the burn rates of both windows exceed its factor:
//!
//! | Tier | Long | Short | Factor | Severity | Budget used when it fires | Time to fire in a full outage |
//! |---|---|---|---|---|---|---|
//! | `fast` | 1 h | 5 min | 14.4 | a page | 2 % | 52 s |
//! | `medium` | 6 h | 30 min | 6 | a page | 5 % | 2 min 10 s |
//! | `slow` | 1 d | 2 h | 3 | a ticket | 10 % | 4 min 19 s |
//! | `long` | 3 d | 6 h | 1 | a ticket | 10 % | 4 min 19 s |
//!
//! The factor is budget used · period / long: 0.02 · 30 d / 1 h = 14.4. The last column is
//! long · factor · (1 − objective), for 99.9 % and 30 days. An alert resolves once the short window
//! is below the factor, within five minutes after the burn ends for `fast`. Source of table and
//! formula: *The Site Reliability Workbook*, chapter 5.
//!
//! The [console](crate::admin#pages) and `/slo` show the state of each tier:
//!
//! | State | Long window burns | Short window burns | Meaning |
//! |---|---|---|---|
//! | `quiet` | | | the budget does not burn too fast |
//! | `rising` | | yes | a burn has begun and is not significant yet |
//! | `firing` | yes | yes | the alert fires |
//! | `cooling` | yes | | the burn has ended; its share of the budget stays used |
//!
//! # When an alert fires
//!
//! 1. *Does it affect all instances?* One process sees its own requests only. Compare
//!    `slo_instance_burn_rate` between instances. If one stands out, remove it; if all are alike,
//!    look for a common cause.
//! 2. *Which route?* Look at the console's table of routes, or query
//!    `sum by (http_route) (rate(sre_kit_http_server_requests_total{outcome=~"error|timeout|shed|panic|service_error"}[5m]))`.
//! 3. *Which outcome?* `timeout` points to a dependency, `shed` to saturation, `panic` to a recent
//!    deployment, `error` to the code or a dependency.
//! 4. *What changed?* Join `build_info` to the errors to see whether they began with a version. If
//!    they did, roll back first and investigate afterwards.
//!
//! # Which numbers to use
//!
//! | Source | Covers | Use it for |
//! |---|---|---|
//! | `slo_events_total`, summed by the generated rules | all instances, the whole period | alerts, reports |
//! | `slo_instance_*`, `/slo`, the console, [`Budget::burn_rate`] | this process, since it started | comparing a canary with the fleet, decisions in code, diagnosis while Prometheus is down |
//!
//! `coverage` is the share of a window that this process has observed. A process that is an hour
//! old says little about 30 days: with one failure in ten requests, its budget reads as overspent
//! a hundredfold.
//!
//! # Read the burn rate in code
//!
//! [`Budget::burning_fast`] takes one atomic load per tier, which is cheap enough for each request.
//!
//! ```
//! # use sre_kit::metrics::Registry;
//! # use sre_kit::slo::{Budgets, Slo, Slos};
//! # let slos = Slos::new("shop", [Slo::ratio("checkout", "99.9".parse()?)])?;
//! # let budgets = Budgets::new(&Registry::new(), &slos)?;
//! let checkout = budgets.slo("checkout")?;
//! let with_recommendations = !checkout.burning_fast();
//! # assert!(with_recommendations);
//! # Ok::<(), sre_kit::ConfigError>(())
//! ```
//!
//! [`Budget::burn_rate`]: crate::slo::Budget::burn_rate
//! [`Budget::burning_fast`]: crate::slo::Budget::burning_fast
