//! The objective: the share of events that must be good.

use std::fmt;
use std::str::FromStr;

use super::decimal::Decimal;
use sre_kit_core::ConfigError;

/// The unit: nine digits of the ratio, which are seven digits after the decimal point of the
/// percentage.
const WHOLE: u32 = 1_000_000_000;

const FIELD: &str = "slo.objective";

/// The share of valid events that must be good: above 0 %, below 100 %.
///
/// It is stored as an integer, so that 99.9 prints as 99.9 and its error budget as 0.001.
///
/// ```
/// use sre_kit_slo::Objective;
///
/// let objective: Objective = "99.9%".parse()?;
/// assert_eq!(objective, Objective::percent(99.9)?);
/// assert_eq!(objective.to_string(), "99.9");
/// assert_eq!(objective.ratio().to_string(), "0.999");
/// assert_eq!(objective.error_budget().to_string(), "0.001");
///
/// let err = Objective::percent(100.0).unwrap_err();
/// assert!(err.to_string().contains("leaves no error budget"));
/// # Ok::<(), sre_kit_slo::ConfigError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Objective {
    /// The good share in units of 1 / [`WHOLE`].
    good: u32,
}

impl Objective {
    /// Creates an objective from a percentage, such as 99.9.
    ///
    /// # Errors
    ///
    /// Returns an error if `percent` is not above 0 and below 100, or has more than seven digits
    /// after the decimal point.
    pub fn percent(percent: f64) -> Result<Self, ConfigError> {
        if !(percent > 0.0 && percent <= 100.0) {
            return Err(out_of_range(percent, false));
        }
        match Decimal::from_f64(percent) {
            Some(exact) => Self::of_percent(exact, percent),
            None => Err(too_fine(percent)),
        }
    }

    /// Parses a ratio, such as `0.999`, which is the form that OpenSLO uses.
    ///
    /// # Errors
    ///
    /// Returns an error if the text is not a decimal number above 0 and below 1 with at most nine
    /// digits after the decimal point.
    pub fn parse_ratio(text: &str) -> Result<Self, ConfigError> {
        let parts = parts(text.trim(), 9, text)?;
        Self::of_parts(parts, text)
    }

    /// Returns the objective as a ratio between 0 and 1.
    pub fn ratio(self) -> Decimal {
        Decimal::billionths(self.good.into())
    }

    /// Returns the error budget, which is the share of events that may be bad: 1 minus the ratio.
    pub fn error_budget(self) -> Decimal {
        Decimal::billionths((WHOLE - self.good).into())
    }

    /// Returns the objective in percent.
    pub fn as_percent(self) -> Decimal {
        Decimal::billionths(u64::from(self.good) * 100)
    }

    fn of_percent(percent: Decimal, given: impl fmt::Debug) -> Result<Self, ConfigError> {
        // A unit of the ratio, 1e-9, is 1e-7 of a percent, which is 1e11 units of a `Decimal`.
        const PART: u128 = 100_000_000_000;
        if !percent.units().is_multiple_of(PART) {
            return Err(too_fine(given));
        }
        Self::of_parts(percent.units() / PART, given)
    }

    fn of_parts(parts: u128, given: impl fmt::Debug) -> Result<Self, ConfigError> {
        match u32::try_from(parts) {
            Ok(good) if good > 0 && good < WHOLE => Ok(Self { good }),
            _ => Err(out_of_range(given, parts == u128::from(WHOLE))),
        }
    }
}

impl FromStr for Objective {
    type Err = ConfigError;

    /// Parses a percentage with or without the percent sign: `99.9` or `99.9 %`.
    ///
    /// # Errors
    ///
    /// Returns an error in the cases of [`Objective::percent`], and if the text is not a decimal
    /// number.
    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let number = text.trim();
        let number = number.strip_suffix('%').map_or(number, str::trim_end);
        // Seven digits of the percentage are nine digits of the ratio.
        Self::of_parts(parts(number, 7, text)?, text)
    }
}

/// Parses a decimal number with at most `digits` digits after the decimal point, and returns it
/// multiplied by 10^`digits`.
fn parts(number: &str, digits: usize, given: &str) -> Result<u128, ConfigError> {
    let negative = number.starts_with('-');
    let unsigned = number.strip_prefix(['-', '+']).unwrap_or(number);
    let (whole, rest) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() && rest.is_empty() || !all_digits(whole) || !all_digits(rest) {
        return Err(ConfigError::new(
            FIELD,
            given,
            "an objective is a decimal number",
            "write 99.9 for three nines",
        ));
    }
    let rest = rest.trim_end_matches('0');
    let whole = whole.trim_start_matches('0');
    if negative || whole.len() > 9 {
        return Err(out_of_range(given, false));
    }
    if rest.len() > digits {
        return Err(too_fine(given));
    }
    let padded = format!("0{whole}{rest:0<digits$}");
    padded.parse().map_err(|_| out_of_range(given, false))
}

fn out_of_range(given: impl fmt::Debug, all: bool) -> ConfigError {
    if all {
        return ConfigError::new(
            FIELD,
            given,
            "that leaves no error budget: the first bad event would miss it for good",
            "write what users really need, such as 99.9 for three nines",
        );
    }
    ConfigError::new(
        FIELD,
        given,
        "an objective lies between 0 and 100 percent, both excluded",
        "write 99.9 for three nines",
    )
}

fn too_fine(given: impl fmt::Debug) -> ConfigError {
    ConfigError::new(
        FIELD,
        given,
        "an objective has at most seven digits behind the point of its percentage",
        "round it: a finer one could not be measured",
    )
}

impl fmt::Display for Objective {
    /// Writes the percentage without the percent sign: `99.9`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.as_percent(), f)
    }
}

impl fmt::Debug for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Objective({self} %)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Objective;

    #[test]
    fn common_objectives_print_as_they_were_written() {
        for (text, budget) in [
            ("90", "0.1"),
            ("95", "0.05"),
            ("99", "0.01"),
            ("99.5", "0.005"),
            ("99.9", "0.001"),
            ("99.95", "0.0005"),
            ("99.99", "0.0001"),
            ("99.999", "0.00001"),
            ("99.9999999", "0.000000001"),
            ("0.0000001", "0.999999999"),
        ] {
            let objective: Objective = text.parse().expect(text);
            assert_eq!(objective.to_string(), text);
            assert_eq!(objective.error_budget().to_string(), budget, "{text}");
            let float = Objective::percent(text.parse().expect("a float")).expect(text);
            assert_eq!(float, objective, "the float {text} has no dust");
        }
    }

    #[test]
    fn text_may_have_a_sign_and_spaces() {
        for text in ["99.9%", " 99.9 % ", "+99.9", "099.900", "99.9"] {
            assert_eq!(text.parse::<Objective>().expect(text).to_string(), "99.9");
        }
        assert_eq!(Objective::parse_ratio("0.999").expect("valid").to_string(), "99.9");
        assert_eq!(Objective::parse_ratio(".5").expect("valid").to_string(), "50");
    }

    #[test]
    fn an_invalid_objective_is_an_error_with_the_rule_it_breaks() {
        for (bad, rule) in [
            (0.0, "between 0 and 100"),
            (-0.0, "between 0 and 100"),
            (100.0, "no error budget"),
            (101.0, "between 0 and 100"),
            (f64::NAN, "between 0 and 100"),
            (-1.0, "between 0 and 100"),
            (f64::INFINITY, "between 0 and 100"),
            (99.999_999_99, "seven digits"),
            (99.999_999_999_999, "seven digits"),
            (1e-300, "between 0 and 100"),
        ] {
            let err = Objective::percent(bad).expect_err("invalid");
            assert!(err.to_string().contains(rule), "{bad}: {err}");
            assert_eq!(err.field(), "slo.objective");
        }
        for (bad, rule) in [
            ("0", "between 0 and 100"),
            ("100", "no error budget"),
            ("100.0000000", "no error budget"),
            ("101", "between 0 and 100"),
            ("99999999999999999999999999", "between 0 and 100"),
            ("-1", "between 0 and 100"),
            ("99.99999999", "seven digits"),
            ("NaN", "decimal number"),
            ("", "decimal number"),
            (".", "decimal number"),
            ("%", "decimal number"),
            ("99,9", "decimal number"),
            ("9e1", "decimal number"),
            ("three nines", "decimal number"),
        ] {
            let err = bad.parse::<Objective>().expect_err(bad);
            assert!(err.to_string().contains(rule), "{bad}: {err}");
        }
        for bad in ["0", "1", "1.5", "-0.1", "0.9999999999"] {
            Objective::parse_ratio(bad).expect_err(bad);
        }
    }

    proptest! {
        #[test]
        fn every_objective_survives_its_text_and_its_float(good in 1_u32..1_000_000_000) {
            let objective = Objective { good };
            prop_assert_eq!(objective.to_string().parse::<Objective>().expect("valid"), objective);
            prop_assert_eq!(
                Objective::parse_ratio(&objective.ratio().to_string()).expect("valid"), objective
            );
            prop_assert_eq!(
                Objective::percent(objective.as_percent().as_f64()).expect("valid"), objective
            );
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,12}|[-+0-9.%e ]{0,30}") {
            if let Ok(objective) = text.parse::<Objective>() {
                prop_assert!(objective.error_budget().as_f64() > 0.0);
            }
        }
    }
}
