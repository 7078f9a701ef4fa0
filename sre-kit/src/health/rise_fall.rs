//! Rise and fall: the hysteresis of a check.

/// The hysteresis of a check, which keeps its state from changing with every run.
///
/// The first run decides alone, because there is no earlier state to keep. From then on `fall`
/// failures in a row make the check fail and `rise` passes in a row make it pass, like HAProxy's
/// `rise` and `fall` and the kubelet's `successThreshold` and `failureThreshold`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RiseFall {
    up: Option<bool>,
    /// The number of runs in a row that contradict `up`.
    contrary_runs: u32,
}

impl RiseFall {
    /// Records one run, and returns whether the check is up.
    pub(super) fn record(&mut self, passed: bool, rise: u32, fall: u32) -> bool {
        let Some(up) = self.up.filter(|&up| up != passed) else {
            *self = Self { up: Some(passed), contrary_runs: 0 };
            return passed;
        };
        self.contrary_runs = self.contrary_runs.saturating_add(1);
        if self.contrary_runs >= if up { fall } else { rise } {
            *self = Self { up: Some(passed), contrary_runs: 0 };
            return passed;
        }
        up
    }

    /// Returns the number of runs in a row that contradict the state.
    pub(super) fn contrary_runs(self) -> u32 {
        self.contrary_runs
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::RiseFall;

    /// Evaluates the state from the whole history: the last sequence of `rise` passes or `fall`
    /// failures in a row decides, or else the first run.
    fn by_definition(results: &[bool], rise: u32, fall: u32) -> Option<bool> {
        let mut state = *results.first()?;
        for end in 1..=results.len() {
            let needed = if state { fall } else { rise } as usize;
            let tail = &results[end.saturating_sub(needed)..end];
            if tail.len() == needed && tail.iter().all(|&passed| passed != state) {
                state = !state;
            }
        }
        Some(state)
    }

    proptest! {
        #[test]
        fn the_last_long_enough_sequence_decides_the_state(
            results in prop::collection::vec(any::<bool>(), 1..60),
            rise in 1_u32..5,
            fall in 1_u32..5,
        ) {
            let mut rise_fall = RiseFall::default();
            for end in 1..=results.len() {
                let up = rise_fall.record(results[end - 1], rise, fall);
                prop_assert_eq!(Some(up), by_definition(&results[..end], rise, fall));
                prop_assert!(rise_fall.contrary_runs() < rise.max(fall));
            }
        }

        #[test]
        fn a_sequence_that_is_too_short_changes_nothing(fall in 2_u32..10, rounds in 1_usize..10) {
            let mut rise_fall = RiseFall::default();
            for _ in 0..rounds {
                prop_assert!(rise_fall.record(true, 1, fall));
                for _ in 1..fall {
                    prop_assert!(rise_fall.record(false, 1, fall));
                }
            }
        }
    }
}
