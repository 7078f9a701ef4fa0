//! The rules for label names.

use crate::ConfigError;

/// Checks that label names are well-formed, not reserved and unique.
///
/// # Errors
///
/// Returns an error for the first name that is not.
pub fn check_labels(names: &[&str]) -> Result<(), ConfigError> {
    for (i, name) in names.iter().enumerate() {
        let rule = if !is_identifier(name, false) || name.starts_with("__") {
            "a label has letters, digits and `_` only and does not begin with a digit or `__`"
        } else if ["le", "quantile"].contains(name) {
            "that label is kept for histograms and summaries"
        } else if names[..i].contains(name) {
            "a label occurs once"
        } else {
            continue;
        };
        return Err(ConfigError::new("label name", name, rule, "rename the label"));
    }
    Ok(())
}

/// Returns whether `name` has letters, digits and `_` only (and `:`, if `colons`), and does not
/// begin with a digit.
pub fn is_identifier(name: &str, colons: bool) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || (colons && c == ':');
    !name.is_empty() && name.chars().all(allowed) && !name.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::check_labels;

    #[test]
    fn bad_labels_are_refused() {
        for bad in [&["le"][..], &["a", "a"], &["__name__"], &["a-b"], &[""]] {
            assert_eq!(check_labels(bad).expect_err("refused").field(), "label name");
        }
        check_labels(&["http_route", "code"]).expect("fine");
    }
}
