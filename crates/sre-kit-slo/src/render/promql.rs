//! The parts of PromQL expressions: durations, selectors and quoted text.

use std::fmt;
use std::time::Duration;

use crate::Window;

/// Renders a Prometheus duration: like a [`Window`], or in milliseconds if it is not in whole
/// seconds, which compression can cause.
pub(super) fn duration(value: Duration) -> String {
    if value.subsec_nanos() == 0 {
        return Window::from(value).to_string();
    }
    format!("{}ms", value.as_millis())
}

/// A series selector: a metric and label matchers.
#[derive(Clone, Debug)]
pub(super) struct Selector {
    metric: String,
    matchers: Vec<(String, String)>,
}

impl Selector {
    pub(super) fn new(metric: impl Into<String>) -> Self {
        Self { metric: metric.into(), matchers: Vec::new() }
    }

    /// Adds the matcher `label="value"`.
    pub(super) fn with(mut self, label: &str, value: &str) -> Self {
        self.matchers.push((label.to_owned(), value.to_owned()));
        self
    }

    /// Adds several matchers.
    pub(super) fn with_all<'a>(
        mut self,
        matchers: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        for (label, value) in matchers {
            self = self.with(label, value);
        }
        self
    }

    /// Renders a range selector, `metric{...}[window]`.
    pub(super) fn over(&self, window: Duration) -> String {
        format!("{self}[{}]", duration(window))
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.metric)?;
        if self.matchers.is_empty() {
            return Ok(());
        }
        for (i, (label, value)) in self.matchers.iter().enumerate() {
            let open = if i == 0 { '{' } else { ',' };
            write!(f, "{open}{label}={}", quoted(value))?;
        }
        f.write_str("}")
    }
}

/// Renders a text in double quotes, escaped as in PromQL and in the exposition format.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Selector, duration};

    #[test]
    fn durations_have_the_largest_unit_that_divides_them() {
        let of = |seconds| duration(Duration::from_secs(seconds));
        assert_eq!([of(300), of(3_600), of(86_400)], ["5m", "1h", "1d"]);
        assert_eq!([of(30 * 86_400), of(90), of(7_200)], ["30d", "90s", "2h"]);
        assert_eq!(duration(Duration::from_millis(2_500)), "2500ms");
    }

    #[test]
    fn label_values_are_escaped() {
        let selector = Selector::new("up").with("job", "a\"b\\c\n");
        assert_eq!(selector.over(Duration::from_secs(60)), r#"up{job="a\"b\\c\n"}[1m]"#);
    }
}
