//! The attributes of a server span, by the moment at which they are known.

use std::borrow::Cow;

use http::uri::Authority;
use http::{HeaderMap, Method, StatusCode, Uri, header};
use opentelemetry::KeyValue;

use crate::traces::redact;

/// The attributes of a server span that are known when the request arrives.
#[derive(Clone, Copy, Debug)]
pub struct RequestAttributes<'a> {
    /// The method as it was received.
    pub method: &'a Method,
    /// The method as metrics label it: `_OTHER` for methods outside of the declared set.
    pub method_name: &'static str,
    /// The request target.
    pub uri: &'a Uri,
    /// The HTTP version, such as `1.1`. It is empty if the version is unknown.
    pub version: &'static str,
    /// The scheme, `http` or `https`.
    pub scheme: &'static str,
    /// The request headers.
    pub headers: &'a HeaderMap,
    /// The template of the matched route, if there is one.
    pub route: Option<&'a str>,
}

/// The attributes of a server span that are known when the request has ended.
#[derive(Clone, Copy, Debug)]
pub struct ResponseAttributes<'a> {
    /// The response status. It is `None` if the request ended before a response head was sent.
    pub status: Option<StatusCode>,
    /// The `error.type` of a request that failed.
    pub error_type: Option<&'a str>,
    /// Whether the server is at fault, which sets the status of the span to `Error`.
    pub failed: bool,
    /// The outcome as metrics label it.
    pub outcome: &'static str,
    /// The size of the response body in bytes, if it is known.
    pub response_bytes: Option<u64>,
    /// The duration in nanoseconds, the same as in the duration histogram.
    pub nanos: u64,
}

const OTHER: &str = "_OTHER";

impl RequestAttributes<'_> {
    /// Returns the span name of the semantic conventions: `{method} {route}`, or the method alone.
    pub(super) fn span_name(&self) -> Cow<'static, str> {
        let method = if self.method_name == OTHER { "HTTP" } else { self.method_name };
        match self.route {
            Some(route) => format!("{method} {route}").into(),
            None => Cow::Borrowed(method),
        }
    }

    /// Returns the attributes that the semantic conventions name for HTTP servers.
    ///
    /// Source: <https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server-span>
    pub(super) fn to_key_values(self) -> Vec<KeyValue> {
        let mut attributes = Vec::with_capacity(10);
        attributes.push(KeyValue::new("http.request.method", self.method_name));
        attributes.push(KeyValue::new("url.path", self.uri.path().to_owned()));
        attributes.push(KeyValue::new("url.scheme", self.scheme));
        if let Some(query) = self.uri.query() {
            attributes.push(KeyValue::new("url.query", redact::query(query).into_owned()));
        }
        if let Some(route) = self.route {
            attributes.push(KeyValue::new("http.route", route.to_owned()));
        }
        if !self.version.is_empty() {
            attributes.push(KeyValue::new("network.protocol.version", self.version));
        }
        if let Some(agent) = self.headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok()) {
            attributes.push(KeyValue::new("user_agent.original", agent.to_owned()));
        }
        attributes.extend(self.server_address());
        if self.method_name == OTHER {
            let original = self.method.as_str().to_owned();
            attributes.push(KeyValue::new("http.request.method_original", original));
        }
        attributes
    }

    /// Returns the host and the port that the client addressed.
    fn server_address(self) -> impl Iterator<Item = KeyValue> {
        let host = self.headers.get(header::HOST).and_then(|value| value.to_str().ok());
        let authority = self
            .uri
            .authority()
            .cloned()
            .or_else(|| host.and_then(|host| host.parse::<Authority>().ok()));
        let port = authority.as_ref().and_then(Authority::port_u16);
        let address = authority.map(|a| KeyValue::new("server.address", a.host().to_owned()));
        address.into_iter().chain(port.map(|port| KeyValue::new("server.port", i64::from(port))))
    }
}

impl ResponseAttributes<'_> {
    /// Returns the attributes that the semantic conventions name for HTTP servers, and the outcome.
    pub(super) fn to_key_values(self) -> impl Iterator<Item = KeyValue> {
        let status = self
            .status
            .map(|status| KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
        let bytes = self.response_bytes.and_then(|bytes| i64::try_from(bytes).ok());
        let bytes = bytes.map(|bytes| KeyValue::new("http.response.body.size", bytes));
        let outcome = KeyValue::new("sre_kit.outcome", self.outcome);
        let error = self.error_type.map(|error| KeyValue::new("error.type", error.to_owned()));
        status.into_iter().chain(bytes).chain([outcome]).chain(error)
    }
}
