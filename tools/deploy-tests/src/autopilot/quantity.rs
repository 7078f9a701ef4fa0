//! Kubernetes' quantities, such as `250m` and `1.5Gi`.

/// Returns the amount, in the unit without a suffix.
pub(super) fn parse(text: &str) -> Option<f64> {
    const SUFFIXES: &[(&str, f64)] = &[
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("m", 0.001),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
    ];
    let found = SUFFIXES
        .iter()
        .find_map(|(suffix, factor)| text.strip_suffix(suffix).map(|number| (number, *factor)));
    let (number, factor) = found.unwrap_or((text, 1.0));
    number.parse::<f64>().ok().filter(|n| n.is_finite() && *n >= 0.0).map(|n| n * factor)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn suffixes_are_those_of_kubernetes() {
        for (text, amount) in [
            ("250m", Some(0.25)),
            ("2", Some(2.0)),
            ("128Mi", Some(134_217_728.0)),
            ("1.5Gi", Some(1_610_612_736.0)),
            ("1G", Some(1e9)),
            ("1e3", Some(1e3)),
            ("-1", None),
            ("many", None),
            ("", None),
        ] {
            assert_eq!(parse(text), amount, "{text}");
        }
    }
}
