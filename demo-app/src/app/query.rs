//! Parses numbers in a query string.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use http::StatusCode;

use super::answer::Answer;

/// Returns the number called `name`, or `default` if it is missing.
///
/// # Errors
///
/// Returns a response with status 400 if the value is not a number in `allowed`.
pub(crate) fn number<T>(
    query: &str,
    name: &str,
    default: T,
    allowed: RangeInclusive<T>,
) -> Result<T, Answer>
where
    T: FromStr + PartialOrd + Display + Copy,
{
    let Some((_, text)) = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name)
    else {
        return Ok(default);
    };
    text.parse().ok().filter(|number| allowed.contains(number)).ok_or_else(|| {
        let (low, high) = (allowed.start(), allowed.end());
        let sentence = format!(
            "`{name}` is {text:?}, but must be a number from {low} to {high}; try ?{name}={default}."
        );
        Answer::problem(StatusCode::BAD_REQUEST, sentence)
    })
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn a_number_is_read_or_its_default_taken() {
        assert_eq!(number("a=1&b=2", "b", 9, 0..=9).expect("valid"), 2);
        assert_eq!(number("", "b", 9, 0..=9).expect("valid"), 9);
        assert!(
            (number("rate=0.2", "rate", 1.0, 0.0..=1.0).expect("valid") - 0.2_f64).abs() < 1e-9
        );
    }

    #[test]
    fn other_values_are_rejected_with_the_bounds() {
        for bad in ["b=", "b=x", "b=-1", "b=10", "b=%00", "b=NaN"] {
            let answer = number(bad, "b", 9, 0..=9).expect_err(bad);
            assert!(format!("{answer:?}").contains("from 0 to 9"), "{answer:?}");
        }
        assert!(number("rate=NaN", "rate", 1.0, 0.0..=1.0).is_err());
    }
}
