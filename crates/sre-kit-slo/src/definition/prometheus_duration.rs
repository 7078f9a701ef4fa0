//! The notation of durations in Prometheus and OpenSLO.

use std::fmt;
use std::time::Duration;

/// The units, from the largest to the smallest, with their length in seconds.
const UNITS: [(u64, &str); 5] = [(604_800, "w"), (86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];

/// Writes a duration in the largest unit, up to days, that divides it.
pub(super) fn write(length: Duration, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if length.subsec_nanos() != 0 {
        // No valid window or period has fractions of a second. The error that says so prints it.
        return write!(f, "{length:?}");
    }
    let seconds = length.as_secs();
    let (unit, name) = UNITS[1..]
        .iter()
        .find(|(unit, _)| seconds.is_multiple_of(*unit) && seconds >= *unit)
        .unwrap_or(&(1, "s"));
    write!(f, "{}{name}", seconds / unit)
}

/// Parses a whole number and one unit, such as `5m`. Returns `None` for everything else.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let (number, unit) = UNITS
        .iter()
        .find_map(|(unit, name)| text.strip_suffix(name).map(|number| (number, *unit)))?;
    if !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    number.parse::<u64>().ok()?.checked_mul(unit).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::parse;
    use std::time::Duration;

    #[test]
    fn only_a_whole_number_and_one_unit_is_a_duration() {
        for (text, seconds) in [("90s", 90), ("5m", 300), ("1h", 3_600), ("30d", 2_592_000)] {
            assert_eq!(parse(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(parse("4w"), Some(Duration::from_secs(2_419_200)));
        for bad in ["", "5", "m", "1h30m", "5 m", "+5m", "-5m", "1.5h", "5y", "5M", "5ms"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        assert_eq!(parse("99999999999999999999d"), None);
        assert_eq!(parse("18446744073709551615w"), None);
    }
}
