//! A series: a name and labels.

use std::collections::BTreeMap;
use std::fmt;

/// The name and the labels of one series. It prints as in PromQL.
///
/// ```
/// use sre_kit::testing::Scrape;
///
/// let scrape = Scrape::parse("# HELP jobs_total Jobs.\n# TYPE jobs_total counter\njobs_total{kind=\"a\"} 2\n")?;
/// let (series, value) = scrape.samples().next().expect("one");
/// assert_eq!(series.to_string(), "jobs_total{kind=\"a\"}");
/// assert_eq!((series.name(), series.label("kind"), value), ("jobs_total", Some("a"), 2.0));
/// # Ok::<(), sre_kit::testing::ParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Series {
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
}

impl Series {
    /// Returns the name of the sample, such as `http_server_request_duration_seconds_count`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the value of a label, or `None` if the series does not have it.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).map(String::as_str)
    }

    /// Returns all labels, by name.
    pub fn labels(&self) -> &BTreeMap<String, String> {
        &self.labels
    }

    /// Returns how many of `labels` this series has.
    pub(super) fn matching(&self, labels: &BTreeMap<String, String>) -> usize {
        labels.iter().filter(|(name, value)| self.labels.get(*name) == Some(value)).count()
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if self.labels.is_empty() {
            return Ok(());
        }
        for (i, (name, value)) in self.labels.iter().enumerate() {
            write!(f, "{}{name}={value:?}", if i == 0 { "{" } else { "," })?;
        }
        f.write_str("}")
    }
}
