//! Assertions about the samples of one name.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Scrape;
use super::series::Series;

/// How many series a failure message shows.
const NEAREST: usize = 8;
/// How far apart two values may be: sums of decimal fractions are not exact.
const TOLERANCE: f64 = 1e-9;

/// The samples that have one name and some labels, for an assertion.
///
/// Its value is the sum of all series that match, like `sum(name{label="value"})` in PromQL. A
/// failed assertion shows the series that are nearest to what was looked for.
#[derive(Clone, Debug)]
#[must_use = "nothing is asserted before a method such as `assert_rose_by`"]
pub struct MetricAssert {
    name: String,
    labels: BTreeMap<String, String>,
    now: Scrape,
    before: Option<Scrape>,
}

impl MetricAssert {
    pub(super) fn new(name: String, now: Scrape, before: Option<Scrape>) -> Self {
        Self { name, labels: BTreeMap::new(), now, before }
    }

    /// Selects only the series in which the label `name` has this value.
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(name.into(), value.into());
        self
    }

    /// Returns the value, or `None` if no series matches.
    pub fn value(&self) -> Option<f64> {
        self.now.sum_of(&self.name, &self.labels)
    }

    /// Returns by how much the value rose since the baseline. A series that does not exist counts
    /// as 0.
    pub fn rise(&self) -> f64 {
        self.value().unwrap_or(0.0) - self.earlier().unwrap_or(0.0)
    }

    /// Asserts that the value rose by exactly `by` since the baseline, which is 0 for a
    /// [`Scrape`] alone.
    ///
    /// # Panics
    ///
    /// Panics if it did not.
    #[track_caller]
    pub fn assert_rose_by(&self, by: impl Into<f64>) {
        let (by, rise) = (by.into(), self.rise());
        if (rise - by).abs() > TOLERANCE {
            self.fail(&format!("to rise by {by}"), &format!("it rose by {rise}"));
        }
    }

    /// Asserts that the value rose since the baseline.
    ///
    /// # Panics
    ///
    /// Panics if it did not.
    #[track_caller]
    pub fn assert_rose(&self) {
        if self.rise() <= 0.0 {
            self.fail("to rise", &format!("it rose by {}", self.rise()));
        }
    }

    /// Asserts that the value did not rise since the baseline. A series that does not exist did
    /// not.
    ///
    /// # Panics
    ///
    /// Panics if it did.
    #[track_caller]
    pub fn assert_did_not_rise(&self) {
        if self.rise() > 0.0 {
            self.fail("not to rise", &format!("it rose by {}", self.rise()));
        }
    }

    /// Asserts that at least one series matches and that the value is `expected`.
    ///
    /// # Panics
    ///
    /// Panics if it is not.
    #[track_caller]
    pub fn assert_is(&self, expected: impl Into<f64>) {
        let expected = expected.into();
        match self.value() {
            Some(value) if (value - expected).abs() <= TOLERANCE => {}
            Some(value) => self.fail(&format!("to be {expected}"), &format!("it is {value}")),
            None => self.fail(&format!("to be {expected}"), "no series matches"),
        }
    }

    /// Asserts that at least one series matches.
    ///
    /// # Panics
    ///
    /// Panics if none does.
    #[track_caller]
    pub fn assert_exists(&self) {
        if self.value().is_none() {
            self.fail("to exist", "no series matches");
        }
    }

    fn earlier(&self) -> Option<f64> {
        self.before.as_ref()?.sum_of(&self.name, &self.labels)
    }

    #[track_caller]
    fn fail(&self, expected: &str, found: &str) -> ! {
        let wanted = Series { name: self.name.clone(), labels: self.labels.clone() };
        panic!("expected `{wanted}` {expected}, but {found}.\n{}", self.nearest());
    }

    /// Returns the series that are nearest to the wanted ones, with their values.
    fn nearest(&self) -> String {
        let of_name: Vec<_> = self.now.samples().filter(|(s, _)| s.name == self.name).collect();
        if of_name.is_empty() {
            let mut names = Vec::from_iter(self.now.names());
            names.sort_by_key(|name| distance(name, &self.name));
            names.truncate(NEAREST);
            let names = names.join("`, `");
            return format!("No series has this name. The nearest names are `{names}`.");
        }
        let mut all = of_name;
        // Series that moved come first among those that match equally well.
        all.sort_by_key(|(series, value)| {
            let moved = self.earlier_of(series).to_bits() != value.to_bits();
            std::cmp::Reverse((series.matching(&self.labels), moved))
        });
        let more = all.len().saturating_sub(NEAREST);
        let mut text = "The nearest series are:".to_owned();
        for (series, value) in all.iter().take(NEAREST) {
            let _ = write!(text, "\n  {series} {value}");
            if self.before.is_some() {
                let _ = write!(text, " (was {})", self.earlier_of(series));
            }
        }
        if more > 0 {
            let _ = write!(text, "\n  and {more} more");
        }
        text
    }

    fn earlier_of(&self, series: &Series) -> f64 {
        let before = self.before.as_ref().and_then(|before| before.samples.get(series));
        before.copied().unwrap_or(0.0)
    }
}

/// Returns the edit distance between two names (Levenshtein, 1966).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let (mut diagonal, mut left) = (i, i + 1);
        row[0] = left;
        for (j, y) in b.iter().enumerate() {
            let above = row[j + 1];
            left = (diagonal + usize::from(x != *y)).min(above + 1).min(left + 1);
            (row[j + 1], diagonal) = (left, above);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn the_distance_is_the_number_of_edits() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("jobs_total", "jobs_total"), 0);
        assert_eq!(distance("jobs", "jobs_total"), 6);
    }
}
