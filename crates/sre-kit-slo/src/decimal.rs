//! Exact decimal numbers.

use std::fmt;

/// The units in one: the type is exact to 18 digits after the decimal point.
const ONE: u128 = 1_000_000_000_000_000_000;

/// A non-negative decimal number without the rounding errors of floats.
///
/// Objectives and burn factors have at most nine digits after the decimal point, so that the
/// product of two of them is exact as well: `14.4 * 0.001` is `0.0144`, and the generated rules
/// print exactly that.
///
/// ```
/// use sre_kit_slo::Objective;
///
/// let objective = Objective::percent(99.9)?;
/// assert_eq!(objective.error_budget().to_string(), "0.001");
/// assert_eq!(objective.error_budget().as_f64(), 0.001);
/// # Ok::<(), sre_kit_slo::ConfigError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(u128);

impl Decimal {
    pub(crate) const ONE: Self = Self(ONE);

    /// Returns `n` billionths.
    pub(crate) const fn billionths(n: u64) -> Self {
        Self(n as u128 * 1_000_000_000)
    }

    /// Returns the quotient of two integers, rounded up to nine digits after the decimal point.
    /// Returns `None` if it is too large or `divisor` is zero.
    pub(crate) fn quotient(dividend: u128, divisor: u128) -> Option<Self> {
        let billionths = dividend.checked_mul(1_000_000_000)?.checked_add(divisor)?;
        let rounded_up = billionths.checked_sub(1)?.checked_div(divisor)?;
        u64::try_from(rounded_up).ok().map(Self::billionths)
    }

    /// Returns the decimal number that a float was written as, or `None` if it has more than nine
    /// digits after the decimal point.
    pub(crate) fn from_f64(value: f64) -> Option<Self> {
        let scaled = value * 1e9;
        let rounded = scaled.round();
        // A float that was written with up to fifteen digits differs by a few parts in 10^16.
        let tolerance = (scaled.abs() * 1e-15).max(1e-6);
        if !(0.0..=1e18).contains(&rounded) || (scaled - rounded).abs() > tolerance {
            return None;
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        Some(Self::billionths(rounded as u64))
    }

    /// Returns the product, which is exact for two numbers with at most nine digits after the
    /// decimal point, or `None` if it is too large.
    pub(crate) fn times(self, other: Self) -> Option<Self> {
        let (a, b) = (self.0 / 1_000_000_000, other.0 / 1_000_000_000);
        a.checked_mul(b).map(Self)
    }

    /// Returns the value in units of 10^-18.
    pub(crate) const fn units(self) -> u128 {
        self.0
    }

    /// Returns whether `part / whole` is above this number. The comparison does not round.
    ///
    /// ```
    /// use sre_kit_slo::{Decimal, Objective};
    ///
    /// let budget: Decimal = Objective::percent(99.9)?.error_budget();
    /// assert!(!budget.is_exceeded_by(1, 1_000));
    /// assert!(budget.is_exceeded_by(1, 999));
    /// # Ok::<(), sre_kit_slo::ConfigError>(())
    /// ```
    pub fn is_exceeded_by(self, part: u64, whole: u64) -> bool {
        // 2^64 times 10^18 is below 2^128, so the left side cannot overflow. The right side
        // saturates only where it is larger than any left side.
        u128::from(part) * ONE > u128::from(whole).saturating_mul(self.0)
    }

    /// Returns the nearest float.
    pub fn as_f64(self) -> f64 {
        let billionths = self.0 / 1_000_000_000;
        if self.0.is_multiple_of(1_000_000_000) && billionths < 1 << f64::MANTISSA_DIGITS {
            // Both operands are exact floats, so only the division rounds.
            return billionths as f64 / 1e9;
        }
        self.to_string().parse().unwrap_or(f64::NAN)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / ONE, self.0 % ONE);
        if rest == 0 {
            return write!(f, "{whole}");
        }
        let digits = format!("{rest:018}");
        write!(f, "{whole}.{}", digits.trim_end_matches('0'))
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Decimal;

    #[test]
    fn a_product_prints_as_arithmetic_on_paper_has_it() {
        let of = |value| Decimal::from_f64(value).expect("nine digits suffice");
        for (a, b, product) in [
            (14.4, 0.001, "0.0144"),
            (14.4, 0.0005, "0.0072"),
            (13.44, 0.0001, "0.001344"),
            (1.0, 0.1, "0.1"),
            (0.000_000_001, 0.000_000_001, "0.000000000000000001"),
        ] {
            let found = of(a).times(of(b)).expect("small");
            assert_eq!(found.to_string(), product);
        }
    }

    #[test]
    fn a_quotient_that_does_not_end_is_rounded_up() {
        let third = Decimal::quotient(1, 3).expect("small");
        assert_eq!(third.to_string(), "0.333333334");
        assert_eq!(Decimal::quotient(6, 3).expect("small").to_string(), "2");
        assert_eq!(Decimal::quotient(1, 0), None);
        assert_eq!(Decimal::quotient(u128::MAX, 1), None);
    }

    #[test]
    fn what_is_no_short_decimal_is_rejected() {
        for bad in [f64::NAN, f64::INFINITY, -1.0, 1.0 / 3.0, 1e300, 0.000_000_000_1] {
            assert_eq!(Decimal::from_f64(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_float_comes_back_as_it_was_written(billionths in 0_u64..1_000_000_000_000_000) {
            let decimal = Decimal::billionths(billionths);
            prop_assert_eq!(Decimal::from_f64(decimal.as_f64()), Some(decimal));
            let read: f64 = decimal.to_string().parse().expect("a float");
            prop_assert_eq!(decimal.as_f64().to_bits(), read.to_bits(), "rounded once");
        }
    }
}
