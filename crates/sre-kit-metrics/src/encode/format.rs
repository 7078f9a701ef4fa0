//! The formats, and their negotiation by `Accept` headers as RFC 9110 §12.5 defines it.
//!
//! Header values are bytes here. A malformed element is skipped: a scraper that sends one still
//! gets its metrics, in the default format.

use http::HeaderMap;
use sre_kit_core::internal::{AcceptElement, negotiate};

/// A format of encoded metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// The Prometheus text format 0.0.4: the default, and without exemplars.
    Prometheus,
    /// OpenMetrics text 1.0.0, which ends in `# EOF`.
    OpenMetrics,
    /// OpenMetrics text 2.0.0: with native histograms and the starts of series. It is sent only to
    /// a scraper that names its version, since Prometheus reads it with the flag
    /// `--enable-feature=openmetrics2` only.
    OpenMetrics2,
    /// `io.prometheus.client.MetricFamily` messages, each after its length, with native histograms.
    #[cfg(feature = "protobuf")]
    Protobuf,
}

/// The formats in order of preference, for a scraper that has none.
const OFFERED: &[Format] = &[
    Format::Prometheus,
    Format::OpenMetrics,
    Format::OpenMetrics2,
    #[cfg(feature = "protobuf")]
    Format::Protobuf,
];

impl Format {
    /// Every format that this build can write.
    pub const ALL: &[Self] = OFFERED;

    /// Returns the `Content-Type` of a response in this format.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::OpenMetrics2 => "application/openmetrics-text; version=2.0.0; charset=utf-8",
            #[cfg(feature = "protobuf")]
            Self::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; \
                 encoding=delimited"
            }
        }
    }

    /// Returns the value of the label `format`.
    #[cfg(feature = "exposition")]
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Prometheus => "prometheus",
            Self::OpenMetrics => "openmetrics",
            Self::OpenMetrics2 => "openmetrics2",
            #[cfg(feature = "protobuf")]
            Self::Protobuf => "protobuf",
        }
    }

    /// Returns the format that the `Accept` headers ask for.
    ///
    /// The greatest weight wins, then the most exact media range, then the first one. The result
    /// is the Prometheus text format for `*/*`, without a header, and for a header that accepts
    /// none of the formats: a scraper can use it, but not a response with status 406.
    ///
    /// ```
    /// use http::HeaderMap;
    /// use http::header::{ACCEPT, HeaderValue};
    /// use sre_kit_metrics::Format;
    ///
    /// let mut headers = HeaderMap::new();
    /// assert_eq!(Format::negotiate(&headers), Format::Prometheus);
    ///
    /// let accept = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5,*/*;q=0.1";
    /// headers.insert(ACCEPT, HeaderValue::from_static(accept));
    /// assert_eq!(Format::negotiate(&headers), Format::OpenMetrics);
    /// ```
    pub fn negotiate(headers: &HeaderMap) -> Self {
        negotiate(headers, OFFERED, Self::exactness).unwrap_or(Self::Prometheus)
    }

    /// Returns how exactly `range` names this format, from 1 for `*/*` to 4 for one with its parameters.
    pub(super) fn exactness(self, range: &AcceptElement<'_>) -> Option<u8> {
        let wildcard @ (1 | 2) = range.exactness(self.media_type())? else {
            return self.exactness_of_parameters(range);
        };
        (self != Self::OpenMetrics2).then_some(wildcard)
    }

    fn exactness_of_parameters(self, range: &AcceptElement<'_>) -> Option<u8> {
        let version = |known: &str| match range.parameter_is("version", known) {
            None => Some(3),
            Some(same) => same.then_some(4),
        };
        match self {
            Self::Prometheus => version("0.0.4"),
            Self::OpenMetrics => version("1.0.0"),
            Self::OpenMetrics2 => range.parameter_is("version", "2.0.0")?.then_some(4),
            #[cfg(feature = "protobuf")]
            Self::Protobuf => {
                let proto = range.parameter_is("proto", "io.prometheus.client.MetricFamily")?;
                let encoding = range.parameter_is("encoding", "delimited")?;
                (proto && encoding).then_some(4)
            }
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain",
            Self::OpenMetrics | Self::OpenMetrics2 => "application/openmetrics-text",
            #[cfg(feature = "protobuf")]
            Self::Protobuf => "application/vnd.google.protobuf",
        }
    }
}

#[cfg(test)]
mod tests {
    use http::header::{ACCEPT, ACCEPT_ENCODING};
    use http::{HeaderMap, HeaderValue};
    use proptest::prelude::*;

    use super::Format;

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
        use Format::{OpenMetrics, OpenMetrics2, Prometheus};
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
            // Prometheus 3 with OpenMetrics 2.0, which is sent only if it is named.
            (
                "application/openmetrics-text;version=2.0.0;escaping=allow-utf-8;q=0.6,\
                 application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,*/*;q=0.2",
                OpenMetrics2,
            ),
            ("application/openmetrics-text;version=2.0.0", OpenMetrics2),
            ("application/openmetrics-text;version=3.0.0", Prometheus),
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
    fn several_headers_are_one_list() {
        let two = headers(&ACCEPT, &[b"text/plain;q=0.2", b"application/openmetrics-text;q=0.3"]);
        assert_eq!(Format::negotiate(&two), Format::OpenMetrics);
    }

    proptest! {
        #[test]
        fn no_header_is_too_odd(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                let mut headers = HeaderMap::new();
                headers.insert(ACCEPT, value.clone());
                headers.insert(ACCEPT_ENCODING, value);
                prop_assert!(Format::ALL.contains(&Format::negotiate(&headers)));
                let _ = sre_kit_core::internal::accepts_gzip(&headers);
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
