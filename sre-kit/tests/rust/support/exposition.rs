//! A strict reader of both text formats, written from their specifications and
//! sharing nothing with the encoder.
//!
//! It fails on what a scraper would refuse or misread: a sample outside its
//! family, a family twice, a series twice, an unknown escape, a histogram that is
//! not cumulative or has no `+Inf`, a text after `# EOF`.
#![allow(dead_code)] // Each test file uses a part of it.

use std::collections::{BTreeMap, BTreeSet};

type Labels = BTreeMap<String, String>;

/// A parsed exposition.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    /// Values as text, so that NaN equals NaN.
    samples: BTreeMap<(String, Labels), String>,
    /// Family name, as the format spells it, to its type.
    types: BTreeMap<String, String>,
    pub(crate) open_metrics: bool,
}

impl Parsed {
    /// The value of the one sample with exactly these labels.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels = labels.iter().map(|&(n, v)| (n.to_owned(), v.to_owned())).collect();
        self.samples.get(&(name.to_owned(), labels)).map(|value| number(value))
    }

    /// Every sample, its value normalised.
    pub(crate) fn samples(&self) -> BTreeMap<(String, Labels), String> {
        let normal = |((name, mut labels), value): ((String, Labels), String)| {
            if let Some(le) = labels.get_mut("le") {
                *le = number(le).to_string();
            }
            ((name, labels), number(&value).to_string())
        };
        self.samples.clone().into_iter().map(normal).collect()
    }

    /// The names of all samples.
    pub(crate) fn names(&self) -> BTreeSet<&str> {
        self.samples.keys().map(|(name, _)| name.as_str()).collect()
    }

    pub(crate) fn type_of(&self, family: &str) -> Option<&str> {
        self.types.get(family).map(String::as_str)
    }
}

/// Reads `text`, or panics with the line that is wrong.
pub(crate) fn parse(text: &str) -> Parsed {
    assert!(text.is_empty() || text.ends_with('\n'), "the last line has no end");
    let open_metrics = text.ends_with("# EOF\n");
    let mut parsed = Parsed { open_metrics, ..Parsed::default() };
    let (mut family, mut kind) = (String::new(), String::new());
    for line in text.strip_suffix("# EOF\n").unwrap_or(text).lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.splitn(3, ' ');
            let keyword = words.next().unwrap_or_default();
            let name = words.next().unwrap_or_else(|| panic!("no name: {line}")).to_owned();
            let rest = words.next().unwrap_or_default();
            match keyword {
                "HELP" => {
                    assert!(!parsed.types.contains_key(&name), "a family twice: {line}");
                    unescape(rest, open_metrics);
                    family = name;
                    kind.clear();
                }
                "TYPE" => {
                    assert_eq!(name, family, "TYPE without its HELP: {line}");
                    rest.clone_into(&mut kind);
                    assert!(parsed.types.insert(name, kind.clone()).is_none(), "twice: {line}");
                }
                "UNIT" => {
                    assert!(open_metrics && name == family, "a unit out of place: {line}");
                    assert!(name.ends_with(&format!("_{rest}")), "not the name's unit: {line}");
                }
                _ => panic!("not a comment of either format: {line}"),
            }
            continue;
        }
        let (name, labels, value) = sample(line);
        let suffix = name.strip_prefix(&family);
        let suffix = suffix.unwrap_or_else(|| panic!("outside its family {family}: {line}"));
        let allowed: &[&str] = match (kind.as_str(), open_metrics) {
            ("counter", true) => &["_total"],
            ("info", true) => &["_info"],
            ("histogram", _) => &["_bucket", "_sum", "_count"],
            ("counter" | "gauge" | "untyped", false) | ("gauge" | "unknown", true) => &[""],
            _ => panic!("no type of this format: {kind}, {line}"),
        };
        assert!(allowed.contains(&suffix), "not a sample of a {kind}: {line}");
        assert_eq!(suffix == "_bucket", labels.contains_key("le"), "le out of place: {line}");
        number(&value);
        assert!(parsed.samples.insert((name, labels), value).is_none(), "a series twice: {line}");
    }
    check_histograms(&parsed);
    parsed
}

fn check_histograms(parsed: &Parsed) {
    let mut series: BTreeMap<(String, Labels), Vec<(f64, f64)>> = BTreeMap::new();
    for ((name, labels), value) in &parsed.samples {
        let Some(base) = name.strip_suffix("_bucket") else { continue };
        let mut labels = labels.clone();
        let le = number(&labels.remove("le").expect("checked above"));
        series.entry((base.to_owned(), labels)).or_default().push((le, number(value)));
    }
    for ((base, labels), mut buckets) in series {
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert!(buckets.is_sorted_by(|a, b| a.1 <= b.1), "{base} is not cumulative: {buckets:?}");
        let last = buckets.last().expect("at least one");
        assert!(last.0.is_infinite(), "{base} has no +Inf");
        let count = parsed.samples.get(&(format!("{base}_count"), labels.clone()));
        let count = count.map(|value| number(value));
        assert_eq!(count, Some(last.1), "{base}: +Inf is not the count");
        assert!(parsed.samples.contains_key(&(format!("{base}_sum"), labels)), "{base}: no sum");
    }
}

fn sample(line: &str) -> (String, Labels, String) {
    let end = line.find(['{', ' ']).unwrap_or_else(|| panic!("no value: {line}"));
    let (name, mut rest) = line.split_at(end);
    let head = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':';
    assert!(name.starts_with(head), "not a name: {line}");
    assert!(name.chars().all(|c| head(c) || c.is_ascii_digit()), "not a name: {line}");
    let mut labels = Labels::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            let (label, tail) = rest.split_once("=\"").unwrap_or_else(|| panic!("{line}"));
            let end = closing_quote(tail).unwrap_or_else(|| panic!("an open quote: {line}"));
            let value = unescape(&tail[..end], true);
            assert!(labels.insert(label.to_owned(), value).is_none(), "a label twice: {line}");
            rest = &tail[end + 1..];
            match rest.as_bytes().first() {
                Some(b',') => rest = &rest[1..],
                Some(b'}') => break,
                _ => panic!("not the end of a label: {line}"),
            }
        }
        rest = &rest[1..];
    }
    let value = rest.strip_prefix(' ').unwrap_or_else(|| panic!("no space: {line}"));
    (name.to_owned(), labels, value.to_owned())
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|b| {
        let closes = b == b'"' && !escaped;
        escaped = b == b'\\' && !escaped;
        closes
    })
}

/// Panics on an escape that the formats do not know.
fn unescape(text: &str, quotes: bool) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.push(match chars.next() {
                Some('n') => '\n',
                Some('\\') => '\\',
                Some('"') if quotes => '"',
                other => panic!("an unknown escape {other:?} in {text}"),
            }),
            c => out.push(c),
        }
    }
    out
}

fn number(text: &str) -> f64 {
    match text {
        "+Inf" | "inf" => f64::INFINITY,
        "-Inf" | "-inf" => f64::NEG_INFINITY,
        "NaN" => f64::NAN,
        text => text.parse().unwrap_or_else(|_| panic!("not a number: {text}")),
    }
}
