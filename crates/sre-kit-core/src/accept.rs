//! What a client accepts: `Accept` and `Accept-Encoding`, as RFC 9110 §12.5 defines them.
//!
//! Header values are bytes here. A malformed element is skipped: a client that sends
//! one still gets a response.

use http::header::{ACCEPT, ACCEPT_ENCODING};
use http::{HeaderMap, HeaderName};

/// One element of an `Accept` or `Accept-Encoding` header.
#[derive(Clone, Copy, Debug)]
pub struct AcceptElement<'a> {
    name: &'a [u8],
    parameters: &'a [u8],
    weight: u16,
}

impl<'a> AcceptElement<'a> {
    /// Returns `None` if the weight or the name is malformed.
    fn parse(text: &'a [u8]) -> Option<Self> {
        let name = split(text, b';').next()?.trim_ascii();
        let parameters = text.get(text.len().min(name_end(text))..)?;
        let weight = match find(parameters, "q") {
            Some(q) => thousandths(q)?,
            None => 1000,
        };
        (!name.is_empty()).then_some(Self { name, parameters, weight })
    }

    /// Returns how exactly this range names `media_type`: 1 for `*/*`, 2 for `type/*`, 3 for
    /// the type itself, whatever its parameters. `None` if it does not cover the type.
    pub fn exactness(&self, media_type: &str) -> Option<u8> {
        let (family, _) = media_type.split_once('/')?;
        if self.name == b"*/*" {
            Some(1)
        } else if self.name.strip_suffix(b"/*").is_some_and(|name| is(name, family)) {
            Some(2)
        } else {
            is(self.name, media_type).then_some(3)
        }
    }

    /// Returns whether the parameter `name` is absent (`None`), or equals `value`, ignoring case.
    pub fn parameter_is(&self, name: &str, value: &str) -> Option<bool> {
        find(self.parameters, name).map(|found| is(found, value))
    }
}

/// Returns which of `offered` the `Accept` headers ask for. `None` if they accept none of them.
///
/// The greatest weight wins, then the most exact range, then the first one. `exactness` returns
/// how exactly a range names an offer, from 1 for `*/*`. The most exact range of an offer decides
/// its weight.
pub fn negotiate<T: Copy>(
    headers: &HeaderMap,
    offered: &[T],
    exactness: impl Fn(T, &AcceptElement<'_>) -> Option<u8>,
) -> Option<T> {
    let mut best = (Rank::default(), None);
    for &offer in offered {
        let mut rank = Rank::default();
        for (position, range) in elements(headers, &ACCEPT).enumerate() {
            let Some(exactness) = exactness(offer, &range) else { continue };
            if exactness > rank.exactness {
                rank = Rank { weight: range.weight, exactness, earliness: !position };
            }
        }
        if rank.weight > 0 && rank > best.0 {
            best = (rank, Some(offer));
        }
    }
    best.1
}

/// The rank of an offer, compared field by field in this order.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    weight: u16,
    exactness: u8,
    earliness: usize,
}

/// Returns the weight that the `Accept` headers give to a media type without parameters, in
/// thousandths; 0 if they do not accept it.
pub fn accept_weight(headers: &HeaderMap, media_type: &str) -> u16 {
    let (mut best, mut exactness) = (0, 0);
    for range in elements(headers, &ACCEPT) {
        let found = range.exactness(media_type).unwrap_or(0);
        if found > exactness {
            (best, exactness) = (range.weight, found);
        }
    }
    best
}

/// Returns whether a response may be compressed: `gzip` is accepted, with a weight that is not
/// below that of the uncompressed response.
pub fn accepts_gzip(headers: &HeaderMap) -> bool {
    let (mut gzip, mut any, mut identity) = (None, None, None);
    for range in elements(headers, &ACCEPT_ENCODING) {
        let weight = Some(range.weight);
        match range.name {
            name if is(name, "gzip") || is(name, "x-gzip") => gzip = gzip.max(weight),
            name if is(name, "identity") => identity = identity.max(weight),
            b"*" => any = any.max(weight),
            _ => {}
        }
    }
    // Identity is always accepted unless it is excluded, at the lowest weight.
    let gzip = gzip.or(any).unwrap_or(0);
    gzip > 0 && gzip >= identity.unwrap_or(0)
}

/// Returns the well-formed elements of a header, in their order.
fn elements<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = AcceptElement<'a>> {
    let values = headers.get_all(name).into_iter();
    values.flat_map(|value| split(value.as_bytes(), b',')).filter_map(AcceptElement::parse)
}

fn is(bytes: &[u8], text: &str) -> bool {
    bytes.eq_ignore_ascii_case(text.as_bytes())
}

fn name_end(text: &[u8]) -> usize {
    split(text, b';').next().map_or(0, <[u8]>::len)
}

/// Returns the value of a parameter, without quotes.
fn find<'a>(parameters: &'a [u8], name: &str) -> Option<&'a [u8]> {
    split(parameters, b';').find_map(|parameter| {
        let equals = parameter.iter().position(|&b| b == b'=')?;
        let (found, value) = parameter.split_at(equals);
        let value = value[1..].trim_ascii();
        let quoted = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
        is(found.trim_ascii(), name).then_some(quoted.unwrap_or(value))
    })
}

/// Splits at the separators that stand outside quotes.
fn split(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |&b| {
        let escape = std::mem::take(&mut escaped);
        match b {
            b'"' if !escape => quoted = !quoted,
            b'\\' if quoted && !escape => escaped = true,
            _ => {}
        }
        b == separator && !quoted
    })
}

/// Parses a weight of RFC 9110 §12.4.2 into thousandths. Digits after the third are dropped.
fn thousandths(q: &[u8]) -> Option<u16> {
    let (whole, rest) = q.split_first()?;
    let digits = match rest {
        [] => &[],
        [b'.', digits @ ..] => digits,
        _ => return None,
    };
    if !matches!(whole, b'0' | b'1') || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut value = u16::from(whole - b'0');
    for i in 0..3 {
        value = value * 10 + digits.get(i).map_or(0, |digit| u16::from(digit - b'0'));
    }
    (value <= 1000).then_some(value)
}

#[cfg(test)]
mod tests {
    use http::header::{ACCEPT, ACCEPT_ENCODING};
    use http::{HeaderMap, HeaderValue};

    use super::{accept_weight, accepts_gzip};

    fn headers(name: &http::HeaderName, values: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name, HeaderValue::from_bytes(value).expect("a header"));
        }
        headers
    }

    #[test]
    fn any_media_type_has_the_weight_of_its_most_exact_range() {
        for (accept, expected) in [
            ("application/json", 1000),
            ("application/json;q=0.25;charset=utf-8, */*", 250),
            ("application/*;q=0.5, */*;q=0.1", 500),
            ("text/html, */*;q=0.8", 800),
            ("text/plain", 0),
            ("", 0),
        ] {
            let headers = headers(&ACCEPT, &[accept.as_bytes()]);
            assert_eq!(accept_weight(&headers, "application/json"), expected, "{accept}");
        }
    }

    #[test]
    fn gzip_is_used_if_it_is_accepted_with_no_lower_weight() {
        for (accept, expected) in [
            ("", false),
            ("gzip", true),
            ("x-gzip", true),
            ("GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("deflate, br", false),
            ("br, gzip;q=0.001", true),
            ("*", true),
            ("*;q=0", false),
            ("gzip;q=0, *", false),
            ("identity", false),
            ("gzip;q=0.5, identity", false),
            ("gzip, identity;q=0.5", true),
            ("identity;q=0, gzip;q=0.1", true),
            ("gzip;q=bad", false),
            ("gzip, deflate, br, zstd", true),
        ] {
            assert_eq!(
                accepts_gzip(&headers(&ACCEPT_ENCODING, &[accept.as_bytes()])),
                expected,
                "{accept}"
            );
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }
}
