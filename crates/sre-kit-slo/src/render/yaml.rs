//! A YAML writer with a stable order, comments and block text for long expressions.
//!
//! A serializer would lose the comments and the layout of expressions, which matter in a review of
//! the generated files.

use std::fmt::Write;

/// One YAML value. Maps keep their order.
#[derive(Clone, Debug)]
pub(super) enum Yaml {
    /// A string, quoted if needed.
    Text(String),
    /// A number or a boolean, written without quotes.
    Plain(String),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

impl From<&str> for Yaml {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Yaml {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Yaml {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<bool> for Yaml {
    fn from(value: bool) -> Self {
        Self::Plain(value.to_string())
    }
}

impl From<Vec<Self>> for Yaml {
    fn from(items: Vec<Self>) -> Self {
        Self::List(items)
    }
}

/// Creates a map with its keys in this order.
pub(super) fn map<K: Into<String>, const N: usize>(entries: [(K, Yaml); N]) -> Yaml {
    Yaml::Map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
}

/// Creates a map from strings to strings.
pub(super) fn texts<K: AsRef<str>, V: AsRef<str>>(
    entries: impl IntoIterator<Item = (K, V)>,
) -> Yaml {
    Yaml::Map(
        entries
            .into_iter()
            .map(|(key, value)| (key.as_ref().to_owned(), Yaml::from(value.as_ref())))
            .collect(),
    )
}

impl Yaml {
    /// Renders the document below a comment of one or more lines.
    pub(super) fn document(&self, comment: &str) -> String {
        let mut out = String::new();
        for line in comment.lines() {
            out.push_str(if line.is_empty() { "#" } else { "# " });
            out.push_str(line);
            out.push('\n');
        }
        self.write(&mut out, 0);
        out
    }

    /// Appends an entry to a map. Does nothing to other values.
    pub(super) fn with(mut self, key: &str, value: Self) -> Self {
        if let Self::Map(entries) = &mut self {
            entries.push((key.to_owned(), value));
        }
        self
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::List(items) => items.is_empty(),
            Self::Map(entries) => entries.is_empty(),
            Self::Text(_) | Self::Plain(_) => false,
        }
    }

    fn write(&self, out: &mut String, indent: usize) {
        match self {
            Self::Map(entries) => {
                for (key, value) in entries {
                    pad(out, indent);
                    value.write_entry(key, out, indent);
                }
            }
            Self::List(items) => {
                for item in items {
                    pad(out, indent);
                    out.push('-');
                    item.write_item(out, indent);
                }
            }
            scalar => {
                pad(out, indent);
                scalar.write_scalar(out, indent);
            }
        }
    }

    fn write_entry(&self, key: &str, out: &mut String, indent: usize) {
        write_text(key, out);
        out.push(':');
        match self {
            empty if empty.is_empty() => out.push_str(self.empty()),
            Self::Map(_) | Self::List(_) => {
                out.push('\n');
                self.write(out, indent + 2);
            }
            scalar => {
                out.push(' ');
                scalar.write_scalar(out, indent);
            }
        }
    }

    fn write_item(&self, out: &mut String, indent: usize) {
        match self {
            empty if empty.is_empty() => out.push_str(self.empty()),
            Self::Map(entries) => {
                for (i, (key, value)) in entries.iter().enumerate() {
                    if i == 0 {
                        out.push(' ');
                    } else {
                        pad(out, indent + 2);
                    }
                    value.write_entry(key, out, indent + 2);
                }
            }
            Self::List(_) => {
                out.push('\n');
                self.write(out, indent + 2);
            }
            scalar => {
                out.push(' ');
                scalar.write_scalar(out, indent);
            }
        }
    }

    fn empty(&self) -> &'static str {
        if matches!(self, Self::List(_)) { " []\n" } else { " {}\n" }
    }

    fn write_scalar(&self, out: &mut String, indent: usize) {
        match self {
            Self::Text(text) if text.contains('\n') && is_block(text) => {
                out.push_str("|-\n");
                for line in text.lines() {
                    if !line.is_empty() {
                        pad(out, indent + 2);
                    }
                    out.push_str(line);
                    out.push('\n');
                }
            }
            Self::Text(text) => {
                write_text(text, out);
                out.push('\n');
            }
            Self::Plain(text) => {
                out.push_str(text);
                out.push('\n');
            }
            Self::List(_) | Self::Map(_) => {}
        }
    }
}

fn pad(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}

/// Returns whether a text can be a literal block. It cannot if its first line is indented, if it has
/// trailing line breaks (with `|-`) or control characters.
fn is_block(text: &str) -> bool {
    !text.starts_with([' ', '\n'])
        && !text.ends_with('\n')
        && !text.contains(|c: char| c.is_control() && c != '\n')
}

/// Writes a text without quotes if every YAML reader takes it for a string, and in quotes otherwise.
fn write_text(text: &str, out: &mut String) {
    if is_plain(text) {
        out.push_str(text);
        return;
    }
    if text.contains(['"', '\\']) && !text.contains(|c: char| c == '\'' || c.is_control()) {
        // Single quotes are easier to read than a backslash before every double quote.
        out.push('\'');
        out.push_str(text);
        out.push('\'');
        return;
    }
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Returns whether every YAML reader takes a text without quotes for a string.
fn is_plain(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '-');
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| word(c) || c == ':')
        && !text.ends_with(':')
        && !matches!(
            text.to_ascii_lowercase().as_str(),
            "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Yaml, map, texts};

    #[test]
    fn the_layout_is_that_of_a_file_written_by_hand() {
        let doc = map([
            ("name", Yaml::from("checkout")),
            ("expr", Yaml::from("a\n/\nb")),
            ("labels", texts([("window", "5m"), ("team", "yes")])),
            (
                "rules",
                Yaml::List(vec![map([
                    ("record", Yaml::from("slo:x:y")),
                    ("it's", "say \"1\"".into()),
                ])]),
            ),
            ("none", Yaml::List(Vec::new())),
        ]);
        assert_eq!(
            doc.document("Generated.\n\nDo not edit."),
            "# Generated.\n#\n# Do not edit.\nname: checkout\nexpr: |-\n  a\n  /\n  b\nlabels:\n  \
             window: \"5m\"\n  team: \"yes\"\nrules:\n  - record: slo:x:y\n    \"it's\": 'say \"1\"'\nnone: []\n"
        );
    }

    proptest! {
        #[test]
        fn any_text_comes_back_as_it_was(text in "\\PC*|[ -~\n\t]*", key in "[a-z:# -]{1,9}") {
            let doc = Yaml::List(vec![map([(key.clone(), Yaml::from(text.as_str()))])]);
            let back: Vec<std::collections::BTreeMap<String, String>> =
                serde_yaml_ng::from_str(&doc.document("c")).expect("valid YAML");
            prop_assert_eq!(&back[0][&key], &text);
        }
    }
}
