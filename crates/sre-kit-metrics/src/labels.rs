//! Label pairs, rendered once when a series is created and copied at every scrape.

use std::borrow::Cow;

/// Appends `name="value"` to `text`, after a comma if `text` is not empty.
///
/// Both text formats escape the same characters of a value: backslash, quote and line feed. An
/// empty value is left out, since Prometheus treats it as no label.
pub fn push_pair(text: &mut String, name: &str, value: &str) {
    if value.is_empty() {
        return;
    }
    if !text.is_empty() {
        text.push(',');
    }
    text.push_str(name);
    text.push_str("=\"");
    for c in value.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            c => text.push(c),
        }
    }
    text.push('"');
}

/// Returns the pairs of a text that [`push_pair`] wrote, with unescaped values.
pub fn pairs(text: &str) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (name, tail) = rest.trim_start_matches(',').split_once("=\"")?;
        let mut escaped = false;
        let end = tail.bytes().position(|b| {
            let closes = b == b'"' && !escaped;
            escaped = b == b'\\' && !escaped;
            closes
        })?;
        rest = &tail[end + 1..];
        Some((name, unescape(&tail[..end])))
    })
}

/// Appends `values` under their `names`. A missing value is empty; a surplus value is ignored.
pub(crate) fn push_labels(text: &mut String, names: &[Box<str>], values: &[&str]) {
    for (name, value) in names.iter().zip(values) {
        push_pair(text, name, value);
    }
}

/// Renders `values` under their `names`, as [`push_labels`] does.
pub(crate) fn label_text(names: &[Box<str>], values: &[&str]) -> String {
    let mut text = String::new();
    push_labels(&mut text, names, values);
    text
}

fn unescape(value: &str) -> Cow<'_, str> {
    if !value.contains('\\') {
        return Cow::Borrowed(value);
    }
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match (c, c == '\\') {
            (_, true) => match chars.next() {
                Some('n') => out.push('\n'),
                Some(other) => out.push(other),
                None => out.push('\\'),
            },
            (c, false) => out.push(c),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{pairs, push_pair};

    #[test]
    fn an_empty_value_is_no_label() {
        let mut text = String::new();
        push_pair(&mut text, "a", "");
        push_pair(&mut text, "b", "1");
        assert_eq!(text, "b=\"1\"");
    }

    proptest! {
        #[test]
        fn any_value_survives(values in proptest::collection::vec("\\PC*|[\\\\\"\n]*", 1..5)) {
            let mut text = String::new();
            for value in &values {
                push_pair(&mut text, "name", value);
            }
            let back: Vec<_> = pairs(&text).map(|(_, v)| v.into_owned()).collect();
            let sent: Vec<_> = values.into_iter().filter(|v| !v.is_empty()).collect();
            prop_assert_eq!(back, sent);
        }
    }
}
