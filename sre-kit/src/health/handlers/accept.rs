//! The content negotiation of probe responses (RFC 9110 §12.5.1).

use http::HeaderMap;
use http::header::ACCEPT;

use sre_kit_core::internal::negotiate;

/// The format of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Text,
    HealthJson,
    /// The same document as `HealthJson`, for clients that accept plain JSON only.
    Json,
}

impl Format {
    /// The formats in the order of preference, for a client that has none.
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

    /// Returns the format that `headers` ask for. A client that accepts none of them gets text,
    /// because a probe must never fail because of its format.
    pub(super) fn negotiate(headers: &HeaderMap) -> Self {
        // Without a header, a client has no preference.
        if !headers.contains_key(ACCEPT) {
            return Self::Text;
        }
        negotiate(headers, &Self::ALL, |format, range| range.exactness(format.media_type()))
            .unwrap_or(Self::Text)
    }
}

#[cfg(test)]
mod tests {
    use http::header::ACCEPT;
    use http::{HeaderMap, HeaderValue};

    use super::Format;

    #[test]
    fn the_format_follows_the_weights_then_exactness_then_the_order() {
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
            // Malformed ranges are ignored.
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
    fn several_accept_headers_are_combined() {
        let mut headers = HeaderMap::new();
        headers.append(ACCEPT, HeaderValue::from_static("text/plain;q=0.1"));
        headers.append(ACCEPT, HeaderValue::from_static("application/health+json;q=0.2"));
        assert_eq!(Format::negotiate(&headers), Format::HealthJson);
    }
}
