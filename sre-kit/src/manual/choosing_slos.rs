//! Choosing SLOs: few, about users, and such that somebody acts.
//!
//! # Begin with what a user would complain of
//!
//! Write the sentence first: *orders go through*, *a search answers while I still look
//! at it*. Each sentence is one [`Slo`]. Two or three per service do; a tenth one is
//! read by nobody. A promise about processor time or queue lengths is none: no user
//! has ever seen a queue. What is full is [saturation](crate::saturation), to look at
//! when a promise is in danger.
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
//!         .description("A search answers while one still looks at it.")
//!         .routes(["/search"]),
//! ])?;
//! assert_eq!(slos.len(), 2);
//! # Ok::<(), sre_kit::ConfigError>(())
//! ```
//!
//! # Availability or latency
//!
//! [`Slo::availability`] asks whether there was an answer, [`Slo::latency`] whether it
//! was in time. A request that failed fast is bad for the first and left out of the
//! second, so that one fault burns one budget. What each outcome counts as is a table
//! at [`Slo`]; a single one is changed with [`Slo::good`], [`Slo::bad`] and
//! [`Slo::exclude`].
//!
//! A threshold need not lie on the bound of a histogram's bucket: each request is
//! judged once, in the process, by its real duration. Where the head of a response is
//! what users wait for, say so with [`Slo::until_headers`].
//!
//! What is no request, such as a batch or a message, is [`Slo::ratio`]: count it with
//! [`Budget::record_good`](crate::slo::Budget::record_good) and
//! [`record_bad`](crate::slo::Budget::record_bad).
//!
//! # The number
//!
//! | Objective | May fail of a million | Down for all users, in 30 days |
//! |---|---|---|
//! | 99 % | 10 000 | 7 h 12 min |
//! | 99.5 % | 5 000 | 3 h 36 min |
//! | 99.9 % | 1 000 | 43 min |
//! | 99.95 % | 500 | 22 min |
//! | 99.99 % | 100 | 4 min 19 s |
//!
//! The last column is (1 − objective) · 30 d. Choose what the service does today on a
//! bad week, and go up when it holds. Four nines leave less time than a person takes to
//! find their keyboard: they are promised by machines that repair themselves, or not at
//! all. No service is better than what it calls on every request; two of them at
//! 99.9 % make 99.8 %.
//!
//! An objective is text, `"99.9"`, or [`Objective::percent`]; 100 and 0 are refused,
//! since the first leaves no budget and the second no promise.
//!
//! # The period
//!
//! Thirty days unless set. [`Period::days`]`(28)` has the same weekdays in every
//! window, which suits a service with a quiet Sunday; 7 forgets soon and 90 late.
//! Factors of the burn tiers are [scaled](super::burn_rates) to the period.
//!
//! # Low traffic
//!
//! With forty requests an hour, one failure is a burn of 25 at 99.9 % and proves
//! nothing. Pages need a minimum of bad events, see [`slo`](crate::slo#low-traffic);
//! below it they are tickets. If almost everything becomes a ticket, promise something
//! with more events: several routes as one SLO, a longer period, or probes of your own.
//!
//! # What is refused, and why
//!
//! A set is checked as a whole when it is made. An alert that can never fire is not
//! generated but refused, with a sentence that says what to change: an objective of
//! 90 % cannot burn 14.4 times too fast, for it cannot fail more than always.
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
