//! Canary analysis: whether a canary burns its error budget faster than the fleet beside it.
//!
//! Hold a rollout at one instance of the new version, count the events of both sides over the same
//! time, and let a [`CanaryGate`] compare them. The verdict is [`Worse`](CanaryVerdict::Worse) if
//! both conditions hold:
//!
//! 1. The burn rate of the canary is above 1 and above the burn rate of the fleet: the canary would
//!    miss its objective, and the fleet does better.
//! 2. The difference is statistically significant: the p-value is below the
//!    [significance level](CanaryGate::significance), divided by the number of
//!    [comparisons](CanaryGate::comparisons) (Bonferroni correction). With a fleet the p-value is
//!    that of Fisher's exact test, one-sided: the probability that at least the observed number of
//!    bad events falls to the canary if both versions have the same error ratio. Without a fleet
//!    it is that of the binomial test: the probability of at least the observed number of bad
//!    events if the canary is exactly at its objective.
//!
//! If the fleet fails as much as the canary, a rollback would not help, and the canary is not worse.
//!
//! The gate does not call a canary as good before it has enough events to detect (with 95 % power)
//! a canary that burns at the paging rate of 14.4. See [`CanaryGate::min_events`].
//!
//! ```
//! use sre_kit_slo::canary::{CanaryGate, CanaryVerdict, EventCounts};
//!
//! let gate = CanaryGate::new().comparisons(60);
//! let objective = "99.5".parse()?;
//! let fleet = EventCounts::new(20_000, 40);
//!
//! let verdict = gate.evaluate(objective, EventCounts::new(2_000, 5), Some(fleet));
//! assert!(matches!(verdict, CanaryVerdict::AsGood(_)), "0.25 % and 0.2 %");
//!
//! let verdict = gate.evaluate(objective, EventCounts::new(2_000, 60), Some(fleet));
//! let CanaryVerdict::Worse(evidence) = verdict else { panic!("3 % and 0.2 %") };
//! assert!(evidence.canary_burn_rate() > 5.9 && evidence.p_value() < 1e-9);
//!
//! let verdict = gate.evaluate(objective, EventCounts::new(12, 0), Some(fleet));
//! assert!(matches!(verdict, CanaryVerdict::TooFew { .. }));
//! # Ok::<(), sre_kit_slo::ConfigError>(())
//! ```
//!
//! Sources: R. A. Fisher, *The Design of Experiments*, 1935, chapter 2, for the exact test; *The Site
//! Reliability Workbook*, chapter 5 for burn rates and chapter 16 for canary releases.

mod canary_gate;
mod canary_verdict;
mod event_counts;
mod evidence;

#[cfg(test)]
mod tests;

pub use canary_gate::CanaryGate;
pub use canary_verdict::CanaryVerdict;
pub use event_counts::EventCounts;
pub use evidence::Evidence;
