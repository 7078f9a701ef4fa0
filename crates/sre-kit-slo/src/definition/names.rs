//! The syntax of names and words, which end up in labels, files and Kubernetes objects.

use sre_kit_core::ConfigError;

/// The longest DNS label, which is also the limit of Kubernetes for object names.
const MAX_LENGTH: usize = 63;

/// Checks a name that becomes a label value, a file name and part of the name of a Kubernetes
/// object: a DNS label as defined by RFC 1123.
pub(crate) fn check_name(field: &'static str, name: &str) -> Result<(), ConfigError> {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let well_formed = !name.is_empty()
        && name.len() <= MAX_LENGTH
        && name.chars().all(inner)
        && !name.starts_with('-')
        && !name.ends_with('-');
    if well_formed {
        return Ok(());
    }
    Err(ConfigError::new(
        field,
        name,
        "it becomes a label value, a file name and a Kubernetes name: 1 to 63 lower-case \
         letters, digits and `-`, none of these at either end",
        "write it like `checkout-latency`",
    ))
}

/// Checks a word that becomes only a label value: an outcome or a reason.
pub(crate) fn check_word(field: &'static str, word: &str) -> Result<(), ConfigError> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !word.is_empty() && word.len() <= MAX_LENGTH && word.chars().all(allowed) {
        return Ok(());
    }
    Err(ConfigError::new(
        field,
        word,
        "it has 1 to 63 lower-case letters, digits and `_`",
        "write it like `client_abort`",
    ))
}

#[cfg(test)]
mod tests {
    use super::{check_name, check_word};

    #[test]
    fn a_name_fits_a_label_a_file_and_a_kubernetes_object() {
        for good in ["a", "checkout", "checkout-latency-p99", "2fa", &"x".repeat(63)] {
            check_name("slo.name", good).expect(good);
        }
        for bad in ["", "-a", "a-", "A", "a_b", "a b", "a/b", "..", "ä", &"x".repeat(64)] {
            let err = check_name("slo.name", bad).expect_err(bad);
            assert_eq!(err.field(), "slo.name");
        }
    }

    #[test]
    fn a_word_fits_a_label() {
        check_word("slo.reason", "client_abort").expect("fine");
        for bad in ["", "Client", "a-b", "a\"b", "a b"] {
            check_word("slo.reason", bad).expect_err(bad);
        }
    }
}
