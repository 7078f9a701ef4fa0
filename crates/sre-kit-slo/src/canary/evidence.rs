//! The numbers behind a verdict.

use std::fmt;

/// The numbers behind a [`CanaryVerdict`](super::CanaryVerdict).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    pub(super) canary_burn_rate: f64,
    pub(super) fleet_burn_rate: Option<f64>,
    pub(super) p_value: f64,
}

impl Evidence {
    /// Returns the burn rate of the canary: 1 uses up the budget exactly at the end of the period.
    pub fn canary_burn_rate(&self) -> f64 {
        self.canary_burn_rate
    }

    /// Returns the burn rate of the fleet, if the canary was compared with one.
    pub fn fleet_burn_rate(&self) -> Option<f64> {
        self.fleet_burn_rate
    }

    /// Returns the p-value: the probability of at least this many bad events if the canary is no
    /// worse than the fleet, by Fisher's exact test (one-sided).
    ///
    /// Without a fleet it is the p-value of the binomial test against the objective. It is 1 if the
    /// canary burns no faster than the fleet, or no faster than at a burn rate of 1, because then
    /// there is nothing to test.
    pub fn p_value(&self) -> f64 {
        self.p_value
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "burn rate {:.2}", self.canary_burn_rate)?;
        match self.fleet_burn_rate {
            Some(fleet) => write!(f, ", the fleet's {fleet:.2}")?,
            None => f.write_str(", and no fleet beside it")?,
        }
        if self.p_value < 1.0 {
            write!(f, ", by chance with a probability of {:.1e}", self.p_value)?;
        }
        Ok(())
    }
}
