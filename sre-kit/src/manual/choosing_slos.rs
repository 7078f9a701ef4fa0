//! Choosing service level objectives (SLOs).
//!
//! # Start from what users notice
//!
//! First write down what users expect: *orders go through*, *a search returns its results within
//! 300 ms*. Each sentence becomes one [`Slo`]. Two or three SLOs per service are enough; teams stop
//! reading longer lists. Do not write SLOs about processor time or queue lengths, which users
//! cannot see. Those are [saturation](crate::saturation) metrics: use them to find the cause when
//! an SLO is in danger.
//!
//! ```
//! use std::time::Duration;
//! use sre_kit::slo::{Slo, Slos};
//!
//! let slos = Slos::new("shop", [
//!     Slo::availability("checkout", "99.9".parse()?)
//!         .description("Orders go through.")
//!         .owner("payments")
//!         .routes(["/cart/{id}/checkout"])
//!         .methods(["POST"]),
//!     Slo::latency("search", "99".parse()?, Duration::from_millis(300))
//!         .description("A search returns its results within 300 ms.")
//!         .routes(["/search"]),
//! ])?;
//! assert_eq!(slos.len(), 2);
//! # Ok::<(), sre_kit::ConfigError>(())
//! ```
//!
//! # Availability or latency
//!
//! [`Slo::availability`] counts whether requests succeed, [`Slo::latency`] whether they are fast
//! enough. A failed request is bad for availability and excluded from latency, so that one fault
//! burns one budget. The table at [`Slo`] shows how each outcome counts; [`Slo::good`],
//! [`Slo::bad`] and [`Slo::exclude`] change single outcomes.
//!
//! A latency threshold does not have to be a bucket bound of the histogram: the process classifies
//! each request once, by its exact duration. If users wait for the response headers only, use
//! [`Slo::until_headers`].
//!
//! For calls to other services use [`Slo::dependency`](crate::slo::Slo::dependency), and for jobs and
//! messages [`Slo::work`](crate::slo::Slo::work). For other events use [`Slo::ratio`] and count them
//! with [`Budget::record_good`](crate::slo::Budget::record_good) and
//! [`Budget::record_bad`](crate::slo::Budget::record_bad).
//!
//! # The objective
//!
//! | Objective | Failures allowed per million | Full outage allowed in 30 days |
//! |---|---|---|
//! | 99 % | 10 000 | 7 h 12 min |
//! | 99.5 % | 5 000 | 3 h 36 min |
//! | 99.9 % | 1 000 | 43 min |
//! | 99.95 % | 500 | 22 min |
//! | 99.99 % | 100 | 4 min 19 s |
//!
//! The last column is (1 − objective) · 30 d. Start with what the service achieves today in a bad
//! week, and raise the objective when the service meets it. At 99.99 %, an outage may last 4
//! minutes, which is less than a person needs to react: choose it only if failures are repaired
//! automatically. A service cannot be more reliable than what it calls on every request; two
//! dependencies at 99.9 % limit it to 99.8 %.
//!
//! Parse an objective from text, such as `"99.9"`, or use [`Objective::percent`]. Both reject 100,
//! which leaves no error budget, and 0, which promises nothing.
//!
//! # The period
//!
//! Defaults to 30 days. With [`Period::days`]`(28)`, each period has every weekday equally often,
//! which suits a service whose traffic depends on the weekday. A period of 7 days forgets an
//! outage soon, one of 90 days late. The factors of the burn tiers are
//! [scaled](super::burn_rates) to the period.
//!
//! # Low traffic
//!
//! With 40 requests an hour and an objective of 99.9 %, one failure is a burn rate of 25 and
//! proves nothing. A page therefore needs a minimum number of bad events, see
//! [`slo`](crate::slo#low-traffic); with fewer, the alert is a ticket. If almost every alert
//! becomes a ticket, choose an SLO with more events: combine several routes, use a longer period,
//! or send synthetic requests.
//!
//! # Errors in a definition
//!
//! [`Slos::new`](crate::slo::Slos::new) checks all SLOs together. It rejects alerts that can never
//! fire, with an error that says what to change. For example, an objective of 90 % never reaches a
//! burn rate of 14.4: if every request fails, the burn rate is 10.
//!
//! ```
//! use sre_kit::slo::Slo;
//!
//! let err = "100".parse::<sre_kit::slo::Objective>().unwrap_err();
//! assert_eq!(err.field(), "slo.objective");
//! # let _ = Slo::availability("x", "99.9".parse()?);
//! # Ok::<(), sre_kit::ConfigError>(())
//! ```
//!
//! Sources: *Site Reliability Engineering*, chapter 4; *The Site Reliability Workbook*,
//! chapters 2 and 5 and appendix A.
//!
//! [`Slo`]: crate::slo::Slo
//! [`Slo::availability`]: crate::slo::Slo::availability
//! [`Slo::latency`]: crate::slo::Slo::latency
//! [`Slo::ratio`]: crate::slo::Slo::ratio
//! [`Slo::good`]: crate::slo::Slo::good
//! [`Slo::bad`]: crate::slo::Slo::bad
//! [`Slo::exclude`]: crate::slo::Slo::exclude
//! [`Slo::until_headers`]: crate::slo::Slo::until_headers
//! [`Objective::percent`]: crate::slo::Objective::percent
//! [`Period::days`]: crate::slo::Period::days
