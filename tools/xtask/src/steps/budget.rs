//! How long a run may take, and what is left out to keep to it.

use std::time::{Duration, Instant};

use toolbox::{Tool, about};

/// `--within MINUTES`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    began: Instant,
    whole: Duration,
}

impl Budget {
    /// Starts the clock.
    pub(crate) fn minutes(minutes: u64) -> Self {
        Self { began: Instant::now(), whole: Duration::from_secs(minutes * 60) }
    }

    /// Says why a step is left out, or returns `None` if there is time for it: for getting its
    /// tools, which takes `cold`, and for the step itself, which takes `own`.
    ///
    /// A step that would end after the time is over does not begin: the run ends there, and its
    /// result would be lost.
    pub(crate) fn refuses(
        &self,
        (cold, absent): (Duration, Vec<&'static str>),
        own: Duration,
        again: &str,
    ) -> Option<String> {
        let left = self.whole.saturating_sub(self.began.elapsed());
        refuses(left, self.whole, cold, &absent, own, again)
    }

    /// Returns how long a step that begins now may take.
    pub(crate) fn at_most(&self) -> Duration {
        at_most(self.whole, self.began.elapsed())
    }

    /// Says why a step has no result.
    pub(crate) fn ended(&self, again: &str) -> String {
        format!(
            "ended by this run {} min after its {} min were over; {again} runs it alone",
            GRACE.as_secs() / 60,
            self.whole.as_secs() / 60,
        )
    }
}

/// How much later than the budget a step that was begun in time may end.
const GRACE: Duration = Duration::from_mins(6);

fn refuses(
    left: Duration,
    whole: Duration,
    cold: Duration,
    absent: &[&str],
    own: Duration,
    again: &str,
) -> Option<String> {
    if cold + own <= left {
        return None;
    }
    if absent.is_empty() {
        return Some(format!(
            "it takes {}, and {} of {} minutes are left; {again} runs it alone",
            about(own),
            left.as_secs() / 60,
            whole.as_secs() / 60,
        ));
    }
    Some(format!(
        "getting {} takes {}, and {} of {} minutes are left; {again} does it, and later runs \
         have it",
        absent.join(", "),
        about(cold),
        left.as_secs() / 60,
        whole.as_secs() / 60,
    ))
}

fn at_most(whole: Duration, elapsed: Duration) -> Duration {
    (whole + GRACE).saturating_sub(elapsed)
}

/// Returns the time to reserve for a step's own tests once the tools are there.
pub(crate) fn allowance(tools: &[&'static Tool]) -> Duration {
    let minutes = match tools {
        [] => 0,
        // A cluster is started, used and stopped again.
        tools if tools.iter().any(|tool| tool.name == "cluster") => 8,
        _ => 1,
    };
    Duration::from_secs(60 * minutes)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{at_most, refuses};

    fn minutes(minutes: u64) -> Duration {
        Duration::from_secs(60 * minutes)
    }

    fn refused(left: u64, cold: u64, absent: &[&str]) -> Option<String> {
        refuses(minutes(left), minutes(55), minutes(cold), absent, minutes(1), "cargo xtask test")
    }

    #[test]
    fn what_does_not_fit_is_left_out_with_the_command_that_runs_it() {
        assert_eq!(refused(10, 9, &["helm"]), None);
        assert_eq!(
            refused(9, 9, &["helm", "kubelet"]).as_deref(),
            Some(
                "getting helm, kubelet takes about 9 min, and 9 of 55 minutes are left; \
                 cargo xtask test does it, and later runs have it"
            )
        );
    }

    #[test]
    fn what_was_begun_in_time_ends_six_minutes_after_it_at_the_latest() {
        assert_eq!(at_most(minutes(40), minutes(30)), minutes(16));
        assert_eq!(at_most(minutes(40), minutes(47)), Duration::ZERO);
    }

    #[test]
    fn what_is_there_needs_only_the_time_of_its_tests() {
        assert_eq!(refused(1, 0, &[]), None);
        assert_eq!(
            refused(0, 0, &[]).as_deref(),
            Some(
                "it takes about 60 s, and 0 of 55 minutes are left; cargo xtask test runs it alone"
            )
        );
    }
}
