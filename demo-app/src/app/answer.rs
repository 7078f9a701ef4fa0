//! A response as JSON or as plain text, by the client's preference.

use std::convert::Infallible;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, Full};
use serde_json::{Value, json};

/// The body of every response.
pub(crate) type Body = BoxBody<Bytes, Infallible>;

pub(crate) fn empty() -> Body {
    Empty::new().boxed()
}

/// The format that the client prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wants {
    Json,
    Text,
}

impl Wants {
    /// Returns `Json` if `Accept` names JSON and prefers it to text, and `Text` otherwise.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let (mut json, mut text) = (0.0_f32, 0.0_f32);
        let lists = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        for item in lists.flat_map(|list| list.split(',')) {
            let mut parts = item.split(';').map(str::trim);
            let kind = parts.next().unwrap_or("").to_ascii_lowercase();
            let q = parts
                .filter_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")))
                .find_map(|q| q.parse().ok())
                .unwrap_or(1.0);
            match kind.as_str() {
                "application/json" | "application/*" => json = json.max(q),
                "text/plain" | "text/*" | "text/html" => text = text.max(q),
                _ => {}
            }
        }
        if json > text { Self::Json } else { Self::Text }
    }
}

/// A status, and a body in both formats.
#[derive(Debug)]
pub(crate) struct Answer {
    status: StatusCode,
    json: Value,
    text: String,
}

impl Answer {
    /// Creates a response with status 200.
    pub(crate) fn ok(json: Value, text: String) -> Self {
        Self { status: StatusCode::OK, json, text }
    }

    /// Creates an error response. `sentence` says what is wrong and what to do.
    pub(crate) fn problem(status: StatusCode, sentence: impl Into<String>) -> Self {
        let text = sentence.into();
        Self { status, json: json!({ "error": text, "status": status.as_u16() }), text }
    }

    pub(crate) fn into_response(self, wants: Wants) -> Response<Body> {
        let (kind, text) = match wants {
            Wants::Json => ("application/json", self.json.to_string()),
            Wants::Text => ("text/plain; charset=utf-8", self.text),
        };
        let mut response = Response::new(Full::from(text + "\n").boxed());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(header::VARY, HeaderValue::from_static("accept"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header};

    use super::Wants;

    #[test]
    fn json_is_sent_to_clients_that_prefer_it() {
        for (accept, expected) in [
            (None, Wants::Text),
            (Some("*/*"), Wants::Text),
            (Some("application/json"), Wants::Json),
            (Some("Application/JSON; charset=utf-8"), Wants::Json),
            (Some("text/plain, application/json;q=0.5"), Wants::Text),
            (Some("text/plain;q=0.5, application/json"), Wants::Json),
            (Some("text/html,application/xhtml+xml,*/*;q=0.8"), Wants::Text),
            (Some("application/json;q=0"), Wants::Text),
            (Some(";;;,,q=,"), Wants::Text),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(accept) = accept {
                headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            }
            assert_eq!(Wants::of(&headers), expected, "{accept:?}");
        }
    }
}
