//! Spans as a tree.

use std::fmt;

use sre_kit_telemetry::testing::Span;

/// The spans of a test, as the trees that they form.
///
/// It prints one name per line, indented by two spaces below its parent. Siblings are in the order
/// in which they started.
#[derive(Clone, Debug)]
pub struct SpanTree {
    spans: Vec<Span>,
}

impl SpanTree {
    pub(super) fn new(mut spans: Vec<Span>) -> Self {
        spans.sort_by_key(Span::start);
        Self { spans }
    }

    /// Returns the spans, in the order in which they started.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Returns the first span called `name`.
    ///
    /// # Panics
    ///
    /// Panics if there is none.
    #[track_caller]
    pub fn find(&self, name: &str) -> &Span {
        match self.spans.iter().find(|span| span.name() == name) {
            Some(span) => span,
            None => panic!("expected a span called `{name}`, but there is none.\n{}", self.all()),
        }
    }

    /// Asserts that the trees are exactly these. Common indentation and empty lines of `expected`
    /// are left out.
    ///
    /// # Panics
    ///
    /// Panics if they differ.
    #[track_caller]
    pub fn assert_tree(&self, expected: &str) {
        let expected = dedent(expected);
        assert!(
            expected == self.to_string(),
            "expected these spans:\n{expected}but the spans differ.\n{}",
            self.all()
        );
    }

    fn all(&self) -> String {
        if self.spans.is_empty() {
            return "No span ended.".to_owned();
        }
        format!("The spans are:\n{self}")
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, span: &Span, depth: usize) -> fmt::Result {
        writeln!(f, "{:indent$}{}", "", span.name(), indent = 2 * depth)?;
        let id = Some(span.span_id());
        for child in self.spans.iter().filter(|child| child.parent() == id) {
            self.write(f, child, depth + 1)?;
        }
        Ok(())
    }
}

impl fmt::Display for SpanTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for span in &self.spans {
            // A parent that has not ended, or that is a span of another process, is not here.
            let parent = span.parent();
            if !self.spans.iter().any(|other| Some(other.span_id()) == parent) {
                self.write(f, span, 0)?;
            }
        }
        Ok(())
    }
}

fn dedent(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let indent = |line: &str| line.len() - line.trim_start().len();
    let common = lines.clone().map(indent).min().unwrap_or(0);
    lines.flat_map(|line| [line[common..].trim_end(), "\n"]).collect()
}
