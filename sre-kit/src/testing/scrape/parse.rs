//! A strict reader of both text formats. It is written from their specifications and shares no
//! code with the encoder.

use std::collections::BTreeMap;
use std::fmt;

use super::Scrape;
use super::series::Series;

/// Says which line of an exposition a scraper would refuse or misread, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    line: String,
    rule: String,
}

impl ParseError {
    fn new(line: &str, rule: impl Into<String>) -> Self {
        Self { line: line.to_owned(), rule: rule.into() }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the exposition is malformed: {}; the line is `{}`", self.rule, self.line)
    }
}

impl std::error::Error for ParseError {}

type Result<T> = std::result::Result<T, ParseError>;

/// The family whose lines are read.
#[derive(Default)]
struct Family {
    name: String,
    kind: String,
}

pub(super) fn parse(text: &str) -> Result<Scrape> {
    let last = text.lines().next_back().unwrap_or_default();
    if !text.is_empty() && !text.ends_with('\n') {
        return Err(ParseError::new(last, "the last line does not end"));
    }
    let mut scrape = Scrape { open_metrics: text.ends_with("# EOF\n"), ..Scrape::default() };
    let mut family = Family::default();
    for line in text.strip_suffix("# EOF\n").unwrap_or(text).lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            read_comment(&mut scrape, &mut family, line, comment)?;
        } else {
            read_sample(&mut scrape, &family, line)?;
        }
    }
    check_histograms(&scrape)?;
    Ok(scrape)
}

fn read_comment(scrape: &mut Scrape, family: &mut Family, line: &str, comment: &str) -> Result<()> {
    let mut words = comment.splitn(3, ' ');
    let keyword = words.next().unwrap_or_default();
    let name = words.next().ok_or_else(|| ParseError::new(line, "a comment has a name"))?;
    let rest = words.next().unwrap_or_default();
    match keyword {
        "HELP" if scrape.kinds.contains_key(name) => {
            return Err(ParseError::new(line, "a family is written once"));
        }
        "HELP" => {
            unescape(rest, scrape.open_metrics, line)?;
            *family = Family { name: name.to_owned(), kind: String::new() };
        }
        "TYPE" if name != family.name => {
            return Err(ParseError::new(line, "a TYPE follows the HELP of its family"));
        }
        "TYPE" => {
            rest.clone_into(&mut family.kind);
            if scrape.kinds.insert(name.to_owned(), rest.to_owned()).is_some() {
                return Err(ParseError::new(line, "a family has one TYPE"));
            }
        }
        "UNIT" if !scrape.open_metrics || name != family.name => {
            return Err(ParseError::new(line, "a UNIT belongs to a family of OpenMetrics"));
        }
        "UNIT" if !name.ends_with(&format!("_{rest}")) => {
            return Err(ParseError::new(line, "the name of a family ends in its unit"));
        }
        "UNIT" => {}
        _ => return Err(ParseError::new(line, "a comment is a HELP, a TYPE or a UNIT")),
    }
    Ok(())
}

fn read_sample(scrape: &mut Scrape, family: &Family, line: &str) -> Result<()> {
    // The exemplar of OpenMetrics follows the value.
    let (plain, _) = line.split_once(" # {").unwrap_or((line, ""));
    let (series, value) = sample(plain)?;
    let suffix = series.name.strip_prefix(&family.name).ok_or_else(|| {
        ParseError::new(line, format!("a sample of `{}` begins with that name", family.name))
    })?;
    let allowed: &[&str] = match (family.kind.as_str(), scrape.open_metrics) {
        ("counter", true) => &["_total"],
        ("info", true) => &["_info"],
        ("histogram", _) => &["_bucket", "_sum", "_count"],
        ("counter" | "gauge" | "untyped", false) | ("gauge" | "unknown", true) => &[""],
        (kind, _) => {
            return Err(ParseError::new(line, format!("this format has no type `{kind}`")));
        }
    };
    if !allowed.contains(&suffix) {
        return Err(ParseError::new(line, format!("a {} has no such sample", family.kind)));
    }
    if (suffix == "_bucket") != series.labels.contains_key("le") {
        return Err(ParseError::new(
            line,
            "the buckets of a histogram, and nothing else, have `le`",
        ));
    }
    if scrape.samples.insert(series, number(value, line)?).is_some() {
        return Err(ParseError::new(line, "a series is written once"));
    }
    Ok(())
}

fn check_histograms(scrape: &Scrape) -> Result<()> {
    let mut all: BTreeMap<Series, Vec<(f64, f64)>> = BTreeMap::new();
    for (series, value) in &scrape.samples {
        let (Some(base), mut labels) = (series.name.strip_suffix("_bucket"), series.labels.clone())
        else {
            continue;
        };
        let le = labels.remove("le").unwrap_or_default();
        let series = Series { name: base.to_owned(), labels };
        let le = number(&le, &le)?;
        all.entry(series).or_default().push((le, *value));
    }
    for (series, mut buckets) in all {
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        let wrong = |rule: &str| Err(ParseError::new(&series.to_string(), rule));
        if !buckets.is_sorted_by(|a, b| a.1 <= b.1) {
            return wrong("the buckets of a histogram are cumulative");
        }
        let part = |suffix: &str| {
            let name = format!("{}{suffix}", series.name);
            scrape.samples.get(&Series { name, labels: series.labels.clone() })
        };
        match buckets.last() {
            Some((le, value)) if le.is_infinite() => {
                if part("_count") != Some(value) {
                    return wrong("the bucket `+Inf` of a histogram is its count");
                }
            }
            _ => return wrong("a histogram has a bucket `+Inf`"),
        }
        if part("_sum").is_none() {
            return wrong("a histogram has a sum");
        }
    }
    Ok(())
}

fn sample(line: &str) -> Result<(Series, &str)> {
    let end = line.find(['{', ' ']).ok_or_else(|| ParseError::new(line, "a sample has a value"))?;
    let (name, mut rest) = line.split_at(end);
    let head = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':';
    if !name.starts_with(head) || !name.chars().all(|c| head(c) || c.is_ascii_digit()) {
        return Err(ParseError::new(line, "a name has letters, digits, `_` and `:`"));
    }
    let mut labels = BTreeMap::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            let label = rest.split_once("=\"");
            let (label, tail) =
                label.ok_or_else(|| ParseError::new(line, "a label has a value"))?;
            let end = closing_quote(tail)
                .ok_or_else(|| ParseError::new(line, "the value of a label ends in a quote"))?;
            let value = unescape(&tail[..end], true, line)?;
            if labels.insert(label.to_owned(), value).is_some() {
                return Err(ParseError::new(line, "a label is written once"));
            }
            rest = &tail[end + 1..];
            match rest.as_bytes().first() {
                Some(b',') => rest = &rest[1..],
                Some(b'}') => break,
                _ => return Err(ParseError::new(line, "a label ends in `,` or `}`")),
            }
        }
        rest = &rest[1..];
    }
    let value = rest.strip_prefix(' ');
    let value = value.ok_or_else(|| ParseError::new(line, "a space is in front of the value"))?;
    Ok((Series { name: name.to_owned(), labels }, value))
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|b| {
        let closes = b == b'"' && !escaped;
        escaped = b == b'\\' && !escaped;
        closes
    })
}

fn unescape(text: &str, quotes: bool, line: &str) -> Result<String> {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.push(match chars.next() {
                Some('n') => '\n',
                Some('\\') => '\\',
                Some('"') if quotes => '"',
                _ => return Err(ParseError::new(line, "the escapes are `\\n`, `\\\\` and `\\\"`")),
            }),
            c => out.push(c),
        }
    }
    Ok(out)
}

fn number(text: &str, line: &str) -> Result<f64> {
    match text {
        "+Inf" | "inf" => Ok(f64::INFINITY),
        "-Inf" | "-inf" => Ok(f64::NEG_INFINITY),
        "NaN" => Ok(f64::NAN),
        text => text.parse().map_err(|_| ParseError::new(line, format!("`{text}` is no number"))),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn what_a_scraper_would_refuse_is_an_error_that_names_the_line() {
        let head = "# HELP a_total A.\n# TYPE a_total counter\n";
        for (text, rule) in [
            ("a_total 1", "the last line does not end"),
            ("a_total 1\n", "this format has no type"),
            ("# TYPE a counter\n", "a TYPE follows the HELP"),
            (&format!("{head}a_total{{b=\"1\",b=\"2\"}} 1\n"), "a label is written once"),
            (&format!("{head}a_total{{b=\"1}} 1\n"), "ends in a quote"),
            (&format!("{head}a_total{{b=\"\\x\"}} 1\n"), "the escapes are"),
            (&format!("{head}a_total one\n"), "`one` is no number"),
            (&format!("{head}a_total 1\na_total 2\n"), "a series is written once"),
            (&format!("{head}b_total 1\n"), "begins with that name"),
            (&format!("{head}a_total_sum 1\n"), "a counter has no such sample"),
        ] {
            let error = parse(text).expect_err(text).to_string();
            assert!(error.contains(rule), "{error}");
        }
    }

    #[test]
    fn a_histogram_is_checked_as_a_whole() {
        let head = "# HELP h H.\n# TYPE h histogram\n";
        for (body, rule) in [
            ("h_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n", "cumulative"),
            ("h_bucket{le=\"1\"} 2\nh_sum 1\nh_count 2\n", "a bucket `+Inf`"),
            ("h_bucket{le=\"+Inf\"} 2\nh_sum 1\nh_count 3\n", "is its count"),
            ("h_bucket{le=\"+Inf\"} 2\nh_count 2\n", "has a sum"),
            ("h_bucket 2\n", "have `le`"),
        ] {
            let error = parse(&format!("{head}{body}")).expect_err(body).to_string();
            assert!(error.contains(rule), "{error}");
        }
    }
}
