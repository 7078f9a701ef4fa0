/// Keeps a check from changing its mind with every run.
///
/// The first result counts at once: waiting for more would be a guess. From then on
/// it takes `fall` failures in a row to fail and `rise` passes in a row to pass, as
/// in HAProxy's `rise` and `fall` and the kubelet's two thresholds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flap {
    up: Option<bool>,
    /// Results in a row that say the opposite of `up`.
    against: u32,
}

impl Flap {
    /// Takes one result in, and says whether the check is up.
    pub(super) fn record(&mut self, passed: bool, rise: u32, fall: u32) -> bool {
        let Some(up) = self.up.filter(|&up| up != passed) else {
            *self = Self { up: Some(passed), against: 0 };
            return passed;
        };
        self.against = self.against.saturating_add(1);
        if self.against >= if up { fall } else { rise } {
            *self = Self { up: Some(passed), against: 0 };
            return passed;
        }
        up
    }

    /// Results in a row that say the opposite of what counts.
    pub(super) fn against(self) -> u32 {
        self.against
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Flap;

    /// What the state should be, from the whole history: it is that of the last run of
    /// results in which `rise` passes or `fall` failures came in a row, or else the first.
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
        fn the_state_is_that_of_the_last_long_enough_row(
            results in prop::collection::vec(any::<bool>(), 1..60),
            rise in 1_u32..5,
            fall in 1_u32..5,
        ) {
            let mut flap = Flap::default();
            for end in 1..=results.len() {
                let up = flap.record(results[end - 1], rise, fall);
                prop_assert_eq!(Some(up), by_definition(&results[..end], rise, fall));
                prop_assert!(flap.against() < rise.max(fall));
            }
        }

        #[test]
        fn a_row_that_is_too_short_changes_nothing(fall in 2_u32..10, rounds in 1_usize..10) {
            let mut flap = Flap::default();
            for _ in 0..rounds {
                prop_assert!(flap.record(true, 1, fall));
                for _ in 1..fall {
                    prop_assert!(flap.record(false, 1, fall));
                }
            }
        }
    }
}
