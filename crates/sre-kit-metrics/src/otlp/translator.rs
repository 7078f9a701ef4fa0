//! The translation of OpenTelemetry's names to those of Prometheus.
//!
//! The rules are those of `github.com/prometheus/otlptranslator` 1.0.0 with the strategy
//! `UnderscoreEscapingWithSuffixes`, which Prometheus' OTLP receiver and the collector use. A
//! family that is pushed therefore arrives under the name that a scrape prints.

use std::borrow::Cow;

use crate::visit::Kind;

const UNITS: [(&str, &str); 28] = [
    ("d", "days"),
    ("h", "hours"),
    ("min", "minutes"),
    ("s", "seconds"),
    ("ms", "milliseconds"),
    ("us", "microseconds"),
    ("ns", "nanoseconds"),
    ("By", "bytes"),
    ("KiBy", "kibibytes"),
    ("MiBy", "mebibytes"),
    ("GiBy", "gibibytes"),
    ("TiBy", "tibibytes"),
    ("KBy", "kilobytes"),
    ("MBy", "megabytes"),
    ("GBy", "gigabytes"),
    ("TBy", "terabytes"),
    ("m", "meters"),
    ("V", "volts"),
    ("A", "amperes"),
    ("J", "joules"),
    ("W", "watts"),
    ("g", "grams"),
    ("Cel", "celsius"),
    ("Hz", "hertz"),
    ("1", ""),
    ("%", "percent"),
    ("kg", "kg"),
    ("km", "km"),
];

const PER_UNITS: [(&str, &str); 7] = [
    ("s", "second"),
    ("m", "minute"),
    ("h", "hour"),
    ("d", "day"),
    ("w", "week"),
    ("mo", "month"),
    ("y", "year"),
];

/// Returns the name of the family that Prometheus makes of a metric.
pub(crate) fn family_name(name: &str, unit: &str, kind: Kind) -> String {
    let valid = |c: char| c.is_ascii_alphanumeric() || c == ':';
    let mut words: Vec<Cow<'_, str>> =
        name.split(|c| !valid(c)).filter(|word| !word.is_empty()).map(Cow::Borrowed).collect();
    let (unit_word, per_word) = unit_words(unit);
    for word in [unit_word, per_word] {
        if !word.is_empty() && !words.contains(&Cow::Borrowed(word.as_str())) {
            words.push(Cow::Owned(word));
        }
    }
    let mut last = |word: &'static str| {
        words.retain(|other| other != word);
        words.push(Cow::Borrowed(word));
    };
    match kind {
        Kind::Counter => last("total"),
        Kind::Gauge if unit == "1" => last("ratio"),
        Kind::Gauge | Kind::UpDownCounter | Kind::Histogram => {}
    }
    let mut family = words.join("_");
    if family.starts_with(|c: char| c.is_ascii_digit()) {
        family.insert(0, '_');
    }
    family
}

/// Returns the name of the label that Prometheus makes of an attribute.
pub(crate) fn label_name(key: &str) -> Cow<'_, str> {
    let valid = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if key.chars().all(valid)
        && !key.contains("__")
        && !key.starts_with(|c: char| c.is_ascii_digit())
        && !key.is_empty()
    {
        return Cow::Borrowed(key);
    }
    let mut label = String::with_capacity(key.len() + 4);
    if key.starts_with(|c: char| c.is_ascii_digit()) {
        label.push_str("key_");
    }
    for c in key.chars().map(|c| if valid(c) { c } else { '_' }) {
        if c != '_' || !label.ends_with('_') {
            label.push(c);
        }
    }
    Cow::Owned(label)
}

/// Returns the words of a unit, such as `bytes` and `per_second`, or empty ones.
fn unit_words(unit: &str) -> (String, String) {
    let (main, per) = unit.split_once('/').unwrap_or((unit, ""));
    let word = |unit: &str, known: &[(&str, &str)]| {
        let unit = unit.trim();
        if unit.contains(['{', '}']) {
            return String::new();
        }
        let known = known.iter().find(|(symbol, _)| *symbol == unit).map(|(_, word)| *word);
        clean(known.unwrap_or(unit))
    };
    let per = word(per, &PER_UNITS);
    (word(main, &UNITS), if per.is_empty() { per } else { format!("per_{per}") })
}

/// Replaces what a name cannot have, without a `_` at the start or two in a row.
fn clean(unit: &str) -> String {
    let mut out = String::new();
    for c in unit.chars() {
        let c = if c.is_ascii_alphanumeric() || c == ':' { c } else { '_' };
        if c != '_' || !(out.is_empty() || out.ends_with('_')) {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{family_name, label_name};
    use crate::visit::Kind::{Counter, Gauge, Histogram, UpDownCounter};

    /// What `otlptranslator` 1.0.0 makes of the same input.
    #[test]
    fn names_are_those_that_the_receiver_of_prometheus_makes() {
        for (name, unit, kind, family) in [
            (
                "http.server.request.duration",
                "s",
                Histogram,
                "http_server_request_duration_seconds",
            ),
            (
                "http.server.active_requests",
                "{request}",
                UpDownCounter,
                "http_server_active_requests",
            ),
            ("process.cpu.time", "s", Counter, "process_cpu_time_seconds_total"),
            ("total.requests", "1", Counter, "requests_total"),
            ("cache.hit", "1", Gauge, "cache_hit_ratio"),
            ("cache.hit.ratio", "1", Gauge, "cache_hit_ratio"),
            ("pool.size", "1", UpDownCounter, "pool_size"),
            ("wait.seconds.all", "s", Histogram, "wait_seconds_all"),
            ("net.io", "By/s", Gauge, "net_io_bytes_per_second"),
            ("net.io", "{packet}/s", Gauge, "net_io_per_second"),
            ("a..b__c", "", Gauge, "a_b_c"),
            ("2xx", "", Counter, "_2xx_total"),
            ("näme", "ms", Histogram, "n_me_milliseconds"),
        ] {
            assert_eq!(family_name(name, unit, kind), family, "{name} {unit}");
        }
    }

    #[test]
    fn labels_are_those_that_the_receiver_of_prometheus_makes() {
        for (key, label) in [
            ("http.route", "http_route"),
            ("outcome", "outcome"),
            ("2xx", "key_2xx"),
            ("a..b", "a_b"),
            ("a-é", "a_"),
        ] {
            assert_eq!(label_name(key), label);
        }
    }
}
