//! Quoting, so that what is printed can be pasted.

use std::borrow::Cow;

/// Quotes `word` so that a POSIX shell reads it back.
pub(crate) fn quote(word: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return Cow::Borrowed(word);
    }
    Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
}

/// Quotes `value` for the right side of `NAME=value`. A trailing `$PATH` stays open, so that
/// the line also works in another shell.
pub(crate) fn quote_value(value: &str) -> Cow<'_, str> {
    match value.strip_suffix(":$PATH") {
        Some(head) if !head.contains(['"', '$', '`', '\\']) => {
            Cow::Owned(format!("\"{head}:$PATH\""))
        }
        _ => quote(value),
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{quote, quote_value};

    #[test]
    fn plain_words_stay_as_they_are() {
        assert_eq!(quote("--all-features"), "--all-features");
        assert_eq!(quote("tests/a.rs"), "tests/a.rs");
    }

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        for word in ["", "two words", "*_servers", "it's", "a\"b", "$HOME `x` \\", "line\nbreak"] {
            let script = format!("printf %s {}", quote(word));
            let out = Command::new("sh").args(["-c", &script]).output().expect("sh runs");
            assert_eq!(String::from_utf8_lossy(&out.stdout), word);
        }
    }

    #[test]
    fn a_path_in_front_of_the_old_one_stays_open() {
        assert_eq!(quote_value("/opt/a b/bin:$PATH"), "\"/opt/a b/bin:$PATH\"");
        assert_eq!(quote_value("-D warnings"), "'-D warnings'");
    }
}
