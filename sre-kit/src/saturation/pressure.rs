//! Pressure stall information.

use std::time::Duration;

/// How long tasks were stalled for want of one resource, since the start.
///
/// From `cpu.pressure`, `memory.pressure` and `io.pressure`: the field `total` of
/// either line, in microseconds. The averages beside it are left alone: a rate over
/// the total says the same over any window.
///
/// Source: the Linux kernel's documentation, `accounting/psi.rst`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pressure {
    /// At least one task was stalled.
    pub some: Option<Duration>,
    /// Every task that had something to do was stalled.
    pub full: Option<Duration>,
}

impl Pressure {
    /// Reads a pressure file's text. What is not understood is `None`.
    pub(crate) fn parse(text: &str) -> Self {
        let total = |kind: &str| {
            text.lines()
                .filter_map(|line| line.strip_prefix(kind)?.strip_prefix(' '))
                .flat_map(str::split_ascii_whitespace)
                .find_map(|field| field.strip_prefix("total="))
                .and_then(|micros| micros.parse().ok())
                .map(Duration::from_micros)
        };
        Self { some: total("some"), full: total("full") }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Pressure;

    #[test]
    fn both_totals_are_read() {
        let text = "some avg10=6.70 avg60=2.25 avg300=2.68 total=28897710\n\
                    full avg10=0.00 avg60=0.00 avg300=0.00 total=42\n";
        let pressure = Pressure::parse(text);
        assert_eq!(pressure.some, Some(Duration::from_micros(28_897_710)));
        assert_eq!(pressure.full, Some(Duration::from_micros(42)));
    }

    #[test]
    fn cpu_pressure_of_old_kernels_has_no_full_line() {
        let pressure = Pressure::parse("some avg10=0.00 avg60=0.00 avg300=0.00 total=7\n");
        assert_eq!(pressure.some, Some(Duration::from_micros(7)));
        assert_eq!(pressure.full, None, "and absent is not zero");
    }

    #[test]
    fn what_is_not_understood_is_absent() {
        for text in
            ["", "some", "some total=", "some total=-1", "something total=1", "full total=x", "\0"]
        {
            assert_eq!(Pressure::parse(text), Pressure::default(), "{text:?}");
        }
    }
}
