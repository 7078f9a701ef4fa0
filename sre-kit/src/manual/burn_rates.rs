//! Reading burn rates: what fires, and what to do.
//!
//! # One number
//!
//! The *error budget* is what an objective leaves to fail: 0.1 % at 99.9 %. The *burn
//! rate* of a window is the share of bad events in it over that budget:
//!
//! ```text
//! burn(w) = (bad(w) / valid(w)) / (1 − objective)
//! ```
//!
//! At 1 the budget is used up just when the period ends; at 14.4 in two days; a service
//! that is down burns a thousand times too fast at 99.9 %. Without any event it is 0:
//! nothing burns.
//!
//! ```
//! use sre_kit::metrics::Registry;
//! use sre_kit::slo::{Budgets, Slo, Slos, Window};
//!
//! let slos = Slos::new("shop", [Slo::ratio("orders", "99.9".parse()?)])?;
//! let budgets = Budgets::new(&Registry::new(), &slos)?;
//! let orders = budgets.slo("orders")?;
//! orders.add(990, 10); // one percent fails
//! budgets.tick();
//! assert!((orders.burn_rate(Window::hours(1)) - 10.0).abs() < 1e-9);
//! # Ok::<(), sre_kit::ConfigError>(())
//! ```
//!
//! # Two windows
//!
//! A long window says that it matters, a short one that it still goes on. A tier fires
//! while both burn faster than its factor:
//!
//! | Tier | Long | Short | Factor | Asks for | Budget burnt by then | All fail: fires after |
//! |---|---|---|---|---|---|---|
//! | `fast` | 1 h | 5 min | 14.4 | a page | 2 % | 52 s |
//! | `medium` | 6 h | 30 min | 6 | a page | 5 % | 2 min 10 s |
//! | `slow` | 1 d | 2 h | 3 | a ticket | 10 % | 4 min 19 s |
//! | `long` | 3 d | 6 h | 1 | a ticket | 10 % | 4 min 19 s |
//!
//! The factor is budget · period / long: 0.02 · 30 d / 1 h = 14.4. The last column is
//! long · factor · (1 − objective), for 99.9 % and 30 days; what fires is over when the
//! short window is clean, within five minutes for `fast`. Table and formula are those of
//! *The Site Reliability Workbook*, chapter 5.
//!
//! On the [console](crate::admin#pages) and on `/slo` a tier is one of
//!
//! | State | Long burns | Short burns | It means |
//! |---|---|---|---|
//! | `quiet` | | | nothing to do |
//! | `rising` | | yes | it has begun; look, if you happen to be here |
//! | `firing` | yes | yes | the alert |
//! | `cooling` | yes | | it is over; the budget is gone for now |
//!
//! # When it fires
//!
//! 1. *Is it everywhere?* One process sees its own requests only. Compare
//!    `slo_instance_burn_rate` over instances: one that stands out is taken away, all
//!    of them alike have a cause in common.
//! 2. *Which route?* The console's table of routes, or
//!    `sum by (http_route) (rate(http_server_requests_total{outcome=~"error|timeout|shed|panic|service_error"}[5m]))`.
//! 3. *Which outcome?* `timeout` points to what is called, `shed` to saturation, `panic`
//!    to a deploy, `error` to the code or what it calls.
//! 4. *What changed?* `build_info` joined to the errors tells whether it began with a
//!    version. Roll back first and understand then.
//!
//! # Whose number is right
//!
//! | Where | Sees | For |
//! |---|---|---|
//! | `slo_events_total`, summed by the generated rules | all instances, the whole period | alerts, and what people argue over |
//! | `slo_instance_*`, `/slo`, the console, [`Budget::burn_rate`] | this process, since it began | a canary beside its fleet, decisions in code, a look while Prometheus is down |
//!
//! `coverage` says how much of a window this process has seen. A budget of a process
//! that is an hour old says little about thirty days: one failure of ten requests reads
//! as a budget overspent a hundredfold, and is.
//!
//! # Let the code read it
//!
//! [`Budget::burning_fast`] is one atomic load per tier: cheap enough for each request.
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
