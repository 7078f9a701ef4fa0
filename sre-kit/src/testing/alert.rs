//! Assertions about burn alerts in virtual time.

use std::fmt::Write as _;
use std::time::Duration;

use super::test_kit::TestKit;
use crate::slo::{Severity, TierState, TierStatus};

/// Waits in virtual time for a tier to fire, one second per step.
///
/// This is what [`assert_alert!`](crate::testing::assert_alert) expands to.
#[doc(hidden)]
#[derive(Debug)]
#[must_use = "nothing is asserted before `assert_fired`"]
pub struct AlertWait<'a> {
    test: &'a TestKit,
    slo: String,
    tier: String,
    within: Duration,
    waited: Duration,
    begun: bool,
}

const SECOND: Duration = Duration::from_secs(1);

impl<'a> AlertWait<'a> {
    /// Begins to wait. `tier` is a name as a type would be spelled, such as `Fast`, and `within` a
    /// duration such as `60s`.
    #[track_caller]
    pub fn new(test: &'a TestKit, slo: &str, tier: &str, within: &str) -> Self {
        let tier = tier.trim_matches('"').to_lowercase().replace('_', "-");
        let waits = Self {
            test,
            slo: slo.to_owned(),
            tier,
            within: duration(within),
            waited: Duration::ZERO,
            begun: false,
        };
        test.kit().budgets().tick();
        waits.status();
        waits
    }

    /// Moves the time forward by a second, except at the first call. Returns whether to go on: the
    /// tier does not fire, and there is time left.
    #[track_caller]
    pub fn step(&mut self) -> bool {
        if self.begun {
            self.test.advance(SECOND);
            self.waited += SECOND;
        }
        self.begun = true;
        !self.fires() && self.waited < self.within
    }

    /// Asserts that the tier fires.
    ///
    /// # Panics
    ///
    /// Panics if it does not.
    #[track_caller]
    pub fn assert_fired(&self) {
        if self.fires() {
            return;
        }
        let Self { slo, tier, within, .. } = self;
        let within = match within.as_secs() {
            0 => "now".to_owned(),
            seconds => format!("within {seconds} s"),
        };
        let status = self.status();
        let found = if status.state() == TierState::Firing {
            let minimum = status.tier().min_bad_events().unwrap_or(0);
            format!(
                "it is only a ticket: {} bad events in {}, and a page needs {minimum}",
                status.long().bad(),
                status.tier().long()
            )
        } else {
            format!("it is {}", status.state())
        };
        panic!(
            "expected the alert `{tier}` of the SLO `{slo}` to fire {within}, but {found}.\n{}",
            report(self.test, slo)
        );
    }

    fn fires(&self) -> bool {
        let status = self.status();
        // A page with too few bad events would only open a ticket.
        status.state() == TierState::Firing && status.severity() == status.tier().severity()
    }

    #[track_caller]
    fn status(&self) -> TierStatus {
        let tiers = self.test.budget(&self.slo).tiers();
        let names: Vec<_> = tiers.iter().map(|status| status.tier().name().to_owned()).collect();
        match tiers.into_iter().find(|status| status.tier().name() == self.tier) {
            Some(status) => status,
            None => panic!(
                "the SLO `{}` has no alert `{}`; its alerts are `{}`",
                self.slo,
                self.tier,
                names.join("`, `")
            ),
        }
    }
}

/// Waits in virtual time, one second per step, for as long as no tier of an SLO fires.
///
/// This is what [`assert_no_alert!`](crate::testing::assert_no_alert) expands to.
#[doc(hidden)]
#[derive(Debug)]
#[must_use = "nothing is asserted before `assert_quiet`"]
pub struct QuietWait<'a> {
    test: &'a TestKit,
    slo: String,
    within: Duration,
    waited: Duration,
    begun: bool,
}

impl<'a> QuietWait<'a> {
    /// Begins to wait for `within`, a duration such as `10m`.
    #[track_caller]
    pub fn new(test: &'a TestKit, slo: &str, within: &str) -> Self {
        test.budget(slo);
        test.kit().budgets().tick();
        let within = duration(within);
        Self { test, slo: slo.to_owned(), within, waited: Duration::ZERO, begun: false }
    }

    /// Moves the time forward by a second, except at the first call. Returns whether to go on.
    #[track_caller]
    pub fn step(&mut self) -> bool {
        if self.begun {
            self.test.advance(SECOND);
            self.waited += SECOND;
        }
        self.begun = true;
        self.firing().is_none() && self.waited < self.within
    }

    /// Asserts that no tier fires.
    ///
    /// # Panics
    ///
    /// Panics if one does.
    #[track_caller]
    pub fn assert_quiet(&self) {
        if let Some((tier, severity)) = self.firing() {
            panic!(
                "expected no alert of the SLO `{}`, but `{tier}` fires as a {} after {} s.\n{}",
                self.slo,
                severity.as_str(),
                self.waited.as_secs(),
                report(self.test, &self.slo)
            );
        }
    }

    #[track_caller]
    fn firing(&self) -> Option<(String, Severity)> {
        let tiers = self.test.budget(&self.slo).tiers();
        let fires = tiers.into_iter().find(|status| status.state() == TierState::Firing);
        fires.map(|status| (status.tier().name().to_owned(), status.severity()))
    }
}

/// Returns what the SLO's tiers and windows show.
fn report(test: &TestKit, slo: &str) -> String {
    let mut text = "Its alerts are:".to_owned();
    for status in test.budget(slo).tiers() {
        let (tier, long, short) = (status.tier(), status.long(), status.short());
        let _ = write!(
            text,
            "\n  {}: {}, burn rate {:.2} over {} ({} good, {} bad) and {:.2} over {} ({} good, \
             {} bad); it fires above {}",
            tier.name(),
            status.state(),
            long.burn_rate(),
            tier.long(),
            long.good(),
            long.bad(),
            short.burn_rate(),
            tier.short(),
            short.good(),
            short.bad(),
            tier.factor()
        );
    }
    text
}

/// Reads `60s`, `5m`, `6h` or `3d`.
#[track_caller]
fn duration(text: &str) -> Duration {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => 0,
    };
    match number.parse::<u64>().ok().and_then(|number| number.checked_mul(seconds)) {
        Some(total) if total > 0 || (number == "0" && seconds > 0) => Duration::from_secs(total),
        _ => panic!("`{text}` is no duration; write it like `60s`, `5m`, `6h` or `3d`"),
    }
}
