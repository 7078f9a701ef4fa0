//! Which form a client wants its answer in (RFC 9110 §12.5.1).

use http::HeaderMap;
use http::header::ACCEPT;

use crate::metrics::header_elements;

/// A form that an answer can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Text,
    HealthJson,
    /// The same document for clients that know only plain JSON.
    Json,
}

impl Format {
    /// In the order of preference where a client has none.
    const ALL: [Self; 3] = [Self::Text, Self::HealthJson, Self::Json];

    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; charset=utf-8",
            Self::HealthJson => "application/health+json",
            Self::Json => "application/json",
        }
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain",
            Self::HealthJson => "application/health+json",
            Self::Json => "application/json",
        }
    }

    /// The form that `headers` like best; then what they name most exactly, then what
    /// they name first. A client that takes none of them gets text: a probe must never
    /// fail for the form of its answer.
    pub(super) fn negotiate(headers: &HeaderMap) -> Self {
        let mut best = (Self::Text, Rank::default());
        if headers.contains_key(ACCEPT) {
            for format in Self::ALL {
                let rank = format.rank(headers);
                if rank.weight > 0 && rank > best.1 {
                    best = (format, rank);
                }
            }
        }
        best.0
    }

    /// How welcome the form is: by the range that names it most exactly.
    fn rank(self, headers: &HeaderMap) -> Rank {
        let mut best = Rank::default();
        for (position, element) in header_elements(headers, &ACCEPT).enumerate() {
            let exactness = self.exactness(element.name);
            if exactness > best.exactness {
                best = Rank { weight: element.weight, exactness, earliness: !position };
            }
        }
        best
    }

    /// How exactly a range names the form; 0 when it does not.
    fn exactness(self, range: &[u8]) -> u8 {
        let media_type = self.media_type();
        let family = media_type.split_once('/').map_or("", |(family, _)| family);
        let is = |bytes: &[u8], text: &str| bytes.eq_ignore_ascii_case(text.as_bytes());
        match range {
            b"*/*" => 1,
            range if range.strip_suffix(b"/*").is_some_and(|name| is(name, family)) => 2,
            range if is(range, media_type) => 3,
            _ => 0,
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

#[cfg(test)]
mod tests {
    use http::header::ACCEPT;
    use http::{HeaderMap, HeaderValue};

    use super::Format;

    #[test]
    fn the_form_follows_the_weights_then_exactness_then_the_order() {
        for (accept, format) in [
            (None, Format::Text),
            (Some("*/*"), Format::Text),
            (Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), Format::Text),
            (Some("application/health+json"), Format::HealthJson),
            (Some("Application/Health+JSON"), Format::HealthJson),
            (Some("application/health+json, */*;q=0.1"), Format::HealthJson),
            (Some("application/json"), Format::Json),
            (Some("application/json;q=0.9, application/health+json"), Format::HealthJson),
            (Some("application/json, application/health+json;q=0.9"), Format::Json),
            (Some("application/*"), Format::HealthJson),
            (Some("application/*, application/health+json;q=0"), Format::Json),
            (Some("application/json, text/plain, */*"), Format::Json),
            (Some("application/health+json, */*"), Format::HealthJson),
            (Some("text/plain, application/json"), Format::Text),
            (Some("application/health+json;q=0.5, text/plain;q=0.4"), Format::HealthJson),
            (Some("application/health+json; version=1; Q = 0.3, text/plain;q=0.4"), Format::Text),
            (Some("image/png"), Format::Text),
            (Some("application/health+json;q=0"), Format::Text),
            // What is malformed counts for nothing.
            (Some("application/health+json;q=NaN"), Format::Text),
            (Some("application/health+json;q=-1, application/json;q=0.1"), Format::Json),
            (Some(",;,/,*"), Format::Text),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(accept) = accept {
                headers.insert(ACCEPT, HeaderValue::from_static(accept));
            }
            assert_eq!(Format::negotiate(&headers), format, "{accept:?}");
        }
    }

    #[test]
    fn several_lines_count_as_one() {
        let mut headers = HeaderMap::new();
        headers.append(ACCEPT, HeaderValue::from_static("text/plain;q=0.1"));
        headers.append(ACCEPT, HeaderValue::from_static("application/health+json;q=0.2"));
        assert_eq!(Format::negotiate(&headers), Format::HealthJson);
    }
}
