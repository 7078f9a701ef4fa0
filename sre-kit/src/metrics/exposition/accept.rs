//! What a scraper accepts: `Accept` and `Accept-Encoding`, as RFC 9110 §12.5 reads them.
//!
//! Header values are bytes here. What is malformed is passed over: a scraper that
//! says something odd still gets its metrics, in the default format.

use http::HeaderMap;
use http::header::{ACCEPT, ACCEPT_ENCODING};

/// A format that metrics are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// The Prometheus text format 0.0.4: the default, and without exemplars.
    Prometheus,
    /// OpenMetrics text 1.0.0, which ends in `# EOF`.
    OpenMetrics,
    /// `io.prometheus.client.MetricFamily` messages, each after its length: the
    /// one format that carries native histograms.
    #[cfg(feature = "protobuf")]
    Protobuf,
}

/// In order of preference where a scraper has none.
const OFFERED: &[Format] = &[
    Format::Prometheus,
    Format::OpenMetrics,
    #[cfg(feature = "protobuf")]
    Format::Protobuf,
];

impl Format {
    /// Every format that this build writes.
    pub const ALL: &[Self] = OFFERED;

    /// The `Content-Type` of a response in this format.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            #[cfg(feature = "protobuf")]
            Self::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; \
                 encoding=delimited"
            }
        }
    }

    /// The value of the label `format`.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Prometheus => "prometheus",
            Self::OpenMetrics => "openmetrics",
            #[cfg(feature = "protobuf")]
            Self::Protobuf => "protobuf",
        }
    }

    /// The format that the `Accept` headers ask for.
    ///
    /// The greatest weight wins, then what was named most exactly, then what was
    /// named first. The Prometheus text format is the answer to `*/*`, to no
    /// header, and to a header that accepts nothing that is offered: a scraper
    /// can use it, a 406 it cannot.
    ///
    /// ```
    /// use http::HeaderMap;
    /// use http::header::{ACCEPT, HeaderValue};
    /// use sre_kit::metrics::Format;
    ///
    /// let mut headers = HeaderMap::new();
    /// assert_eq!(Format::negotiate(&headers), Format::Prometheus);
    ///
    /// let accept = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5,*/*;q=0.1";
    /// headers.insert(ACCEPT, HeaderValue::from_static(accept));
    /// assert_eq!(Format::negotiate(&headers), Format::OpenMetrics);
    /// ```
    pub fn negotiate(headers: &HeaderMap) -> Self {
        let mut best = (Rank::default(), Self::Prometheus);
        for &format in OFFERED {
            let rank = format.rank(headers);
            if rank.weight > 0 && rank > best.0 {
                best = (rank, format);
            }
        }
        best.1
    }

    /// How welcome the format is: by the range that names it most exactly.
    fn rank(self, headers: &HeaderMap) -> Rank {
        let mut best = Rank::default();
        for (position, range) in elements(headers, &ACCEPT).enumerate() {
            let Some(exactness) = range.names(self) else { continue };
            if exactness > best.exactness {
                best = Rank { weight: range.weight, exactness, earliness: !position };
            }
        }
        best
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain",
            Self::OpenMetrics => "application/openmetrics-text",
            #[cfg(feature = "protobuf")]
            Self::Protobuf => "application/vnd.google.protobuf",
        }
    }
}

/// Compared field by field, in this order.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    weight: u16,
    exactness: u8,
    earliness: usize,
}

/// The weight that the `Accept` headers give to a media type without parameters,
/// in thousandths; 0 where they do not accept it.
pub(crate) fn weight(headers: &HeaderMap, media_type: &str) -> u16 {
    let (mut best, mut exactness) = (0, 0);
    for range in elements(headers, &ACCEPT) {
        let found = range.covers(media_type).unwrap_or(0);
        if found > exactness {
            (best, exactness) = (range.weight, found);
        }
    }
    best
}

/// Whether the response may be compressed: `gzip` is accepted, and liked no less
/// than the plain response.
pub(crate) fn gzip(headers: &HeaderMap) -> bool {
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
    // Identity is always accepted unless it is excluded, and liked least.
    let gzip = gzip.or(any).unwrap_or(0);
    gzip > 0 && gzip >= identity.unwrap_or(0)
}

/// One element of an `Accept` or `Accept-Encoding` header.
#[derive(Clone, Copy)]
pub(crate) struct Element<'a> {
    pub(crate) name: &'a [u8],
    parameters: &'a [u8],
    /// The weight `q` in thousandths.
    pub(crate) weight: u16,
}

impl<'a> Element<'a> {
    /// `None` where the weight is malformed.
    fn parse(text: &'a [u8]) -> Option<Self> {
        let name = split(text, b';').next()?.trim_ascii();
        let parameters = text.get(text.len().min(name_end(text))..)?;
        let weight = match find(parameters, "q") {
            Some(q) => thousandths(q)?,
            None => 1000,
        };
        (!name.is_empty()).then_some(Self { name, parameters, weight })
    }

    /// How exactly this range names `format`, from 1 for `*/*` to 4; `None` when it does not.
    fn names(&self, format: Format) -> Option<u8> {
        let wildcard @ (1 | 2) = self.covers(format.media_type())? else {
            return self.names_exactly(format);
        };
        Some(wildcard)
    }

    /// 1 for `*/*`, 2 for `type/*`, 3 for the type itself, whatever its parameters.
    fn covers(&self, media_type: &str) -> Option<u8> {
        let (family, _) = media_type.split_once('/')?;
        if self.name == b"*/*" {
            Some(1)
        } else if self.name.strip_suffix(b"/*").is_some_and(|name| is(name, family)) {
            Some(2)
        } else {
            is(self.name, media_type).then_some(3)
        }
    }

    /// Whether the parameters, too, are those of `format`.
    fn names_exactly(&self, format: Format) -> Option<u8> {
        let version = |known: &str| match find(self.parameters, "version") {
            None => Some(3),
            Some(version) => is(version, known).then_some(4),
        };
        match format {
            Format::Prometheus => version("0.0.4"),
            Format::OpenMetrics => version("1.0.0"),
            #[cfg(feature = "protobuf")]
            Format::Protobuf => {
                let proto = find(self.parameters, "proto")?;
                let encoding = find(self.parameters, "encoding")?;
                (is(proto, "io.prometheus.client.MetricFamily") && is(encoding, "delimited"))
                    .then_some(4)
            }
        }
    }
}

/// The well-formed elements of a header, in the order in which they came.
pub(crate) fn elements<'a>(
    headers: &'a HeaderMap,
    name: &http::HeaderName,
) -> impl Iterator<Item = Element<'a>> {
    let values = headers.get_all(name).into_iter();
    values.flat_map(|value| split(value.as_bytes(), b',')).filter_map(Element::parse)
}

fn is(bytes: &[u8], text: &str) -> bool {
    bytes.eq_ignore_ascii_case(text.as_bytes())
}

fn name_end(text: &[u8]) -> usize {
    split(text, b';').next().map_or(0, <[u8]>::len)
}

/// The value of a parameter, without quotes.
fn find<'a>(parameters: &'a [u8], name: &str) -> Option<&'a [u8]> {
    split(parameters, b';').find_map(|parameter| {
        let equals = parameter.iter().position(|&b| b == b'=')?;
        let (found, value) = parameter.split_at(equals);
        let value = value[1..].trim_ascii();
        let quoted = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
        is(found.trim_ascii(), name).then_some(quoted.unwrap_or(value))
    })
}

/// The parts between separators that stand outside quotes.
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

/// A weight of RFC 9110 §12.4.2 in thousandths; digits past the third are dropped.
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
    use proptest::prelude::*;

    use super::{Format, gzip};

    fn headers(name: &http::HeaderName, values: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name, HeaderValue::from_bytes(value).expect("a header"));
        }
        headers
    }

    fn format(accept: &str) -> Format {
        Format::negotiate(&headers(&ACCEPT, &[accept.as_bytes()]))
    }

    #[test]
    fn the_format_is_what_the_scraper_likes_best() {
        use Format::{OpenMetrics, Prometheus};
        for (accept, expected) in [
            // Nothing in particular.
            ("*/*", Prometheus),
            ("", Prometheus),
            ("text/*", Prometheus),
            ("application/*", OpenMetrics),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Prometheus),
            // Prometheus 2.42, and 3 with its escaping schemes.
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;\
                 version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                OpenMetrics,
            ),
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                 application/openmetrics-text;version=0.0.1;q=0.5,\
                 text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
                 text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                OpenMetrics,
            ),
            // Weights decide, then exactness, then the order.
            ("application/openmetrics-text;q=0.4, text/plain;q=0.5", Prometheus),
            ("application/openmetrics-text;q=0.5, text/plain;q=0.4", OpenMetrics),
            ("text/plain, application/openmetrics-text", Prometheus),
            ("application/openmetrics-text, text/plain", OpenMetrics),
            ("*/*, application/openmetrics-text", OpenMetrics),
            ("text/plain, application/openmetrics-text;version=1.0.0", OpenMetrics),
            ("text/plain;q=0.1, application/openmetrics-text;q=0.123", OpenMetrics),
            // A weight of nothing excludes, also what a wildcard would let in.
            ("text/plain;q=0, */*", OpenMetrics),
            ("application/openmetrics-text;q=0", Prometheus),
            ("text/plain;q=0", Prometheus),
            // Versions that are not written here.
            ("application/openmetrics-text;version=0.0.1", Prometheus),
            ("text/plain;version=1.0.0;q=1, application/openmetrics-text;q=0.1", OpenMetrics),
            // Spelling.
            ("APPLICATION/OpenMetrics-Text ; Version=\"1.0.0\" ; Q=1.000", OpenMetrics),
            ("application/openmetrics-text;version=1.0.0;charset=utf-8", OpenMetrics),
            // What is malformed counts for nothing, and spares its neighbours.
            ("application/openmetrics-text;q=2, text/plain;q=0.1", Prometheus),
            ("application/openmetrics-text;q=-1", Prometheus),
            ("application/openmetrics-text;q=nan", Prometheus),
            ("application/openmetrics-text;q=", Prometheus),
            (",,;;,=;q,/,application/openmetrics-text", OpenMetrics),
            ("image/png;x=\"a,application/openmetrics-text\"", Prometheus),
            ("image/png;x=\"a\\\",b\", application/openmetrics-text", OpenMetrics),
            ("image/png;x=\"never closed, application/openmetrics-text", Prometheus),
            ("application/json", Prometheus),
        ] {
            assert_eq!(format(accept), expected, "{accept}");
        }
    }

    #[cfg(feature = "protobuf")]
    #[test]
    fn protobuf_is_asked_for_with_its_message_and_its_framing() {
        const MESSAGE: &str = "proto=io.prometheus.client.MetricFamily";
        let of = |rest: &str| format(&format!("application/vnd.google.protobuf;{rest}"));
        assert_eq!(of(&format!("{MESSAGE};encoding=delimited")), Format::Protobuf);
        assert_eq!(of(&format!("{MESSAGE};encoding=delimited;q=0.1,*/*")), Format::Prometheus);
        assert_eq!(of(&format!("{MESSAGE};encoding=text")), Format::Prometheus);
        assert_eq!(of(MESSAGE), Format::Prometheus);
        assert_eq!(of("proto=another.Message;encoding=delimited"), Format::Prometheus);
        assert_eq!(format("text/plain;q=0,application/openmetrics-text;q=0,*/*"), Format::Protobuf);
        // Prometheus 2.42 with `--enable-feature=native-histograms`.
        let accept = format!(
            "application/vnd.google.protobuf;{MESSAGE};encoding=delimited,\
             application/openmetrics-text;version=1.0.0;q=0.8,\
             application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,\
             */*;q=0.1"
        );
        assert_eq!(format(&accept), Format::Protobuf);
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
            assert_eq!(super::weight(&headers, "application/json"), expected, "{accept}");
        }
    }

    #[test]
    fn several_headers_are_one_list() {
        let two = headers(&ACCEPT, &[b"text/plain;q=0.2", b"application/openmetrics-text;q=0.3"]);
        assert_eq!(Format::negotiate(&two), Format::OpenMetrics);
    }

    #[test]
    fn gzip_is_used_where_it_is_accepted_and_not_liked_less() {
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
                gzip(&headers(&ACCEPT_ENCODING, &[accept.as_bytes()])),
                expected,
                "{accept}"
            );
        }
        assert!(!gzip(&HeaderMap::new()));
    }

    proptest! {
        #[test]
        fn no_header_is_too_odd(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                let mut headers = HeaderMap::new();
                headers.insert(ACCEPT, value.clone());
                headers.insert(ACCEPT_ENCODING, value);
                prop_assert!(Format::ALL.contains(&Format::negotiate(&headers)));
                let _ = gzip(&headers);
            }
        }

        #[test]
        fn a_weight_between_others_never_changes_their_order(a in 0_u16..=1000, b in 0_u16..=1000) {
            prop_assume!(a != b);
            let q = |w: u16| format!("{}.{:03}", w / 1000, w % 1000);
            let accept =
                format!("application/openmetrics-text;q={},text/plain;q={}", q(a), q(b));
            let expected = if a > b { Format::OpenMetrics } else { Format::Prometheus };
            prop_assert_eq!(format(&accept), expected);
        }
    }
}
