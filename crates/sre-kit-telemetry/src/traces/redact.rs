//! Redaction of credentials in URLs.

use std::borrow::Cow;

/// The query parameters whose values are redacted: those of signatures that the semantic
/// conventions list for `url.query`, and common names of tokens.
///
/// Source: <https://opentelemetry.io/docs/specs/semconv/registry/attributes/url/>
const SECRET: [&str; 14] = [
    "AWSAccessKeyId",
    "Signature",
    "sig",
    "X-Goog-Signature",
    "X-Amz-Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
    "access_token",
    "api_key",
    "apikey",
    "code",
    "key",
    "password",
    "token",
];

/// Returns the query with the values of credentials replaced by `REDACTED`.
pub(crate) fn query(query: &str) -> Cow<'_, str> {
    if !query.split('&').any(is_secret) {
        return Cow::Borrowed(query);
    }
    let pairs: Vec<_> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((key, _)) if is_secret(pair) => Cow::Owned(format!("{key}=REDACTED")),
            _ => Cow::Borrowed(pair),
        })
        .collect();
    Cow::Owned(pairs.join("&"))
}

/// Returns the URL with its user, its password and the credentials of its query redacted.
pub(crate) fn url(uri: &http::Uri) -> String {
    let mut text = String::new();
    if let Some(scheme) = uri.scheme_str() {
        text.push_str(scheme);
        text.push_str("://");
    }
    if let Some(authority) = uri.authority() {
        match authority.as_str().rsplit_once('@') {
            Some((_, host)) => {
                text.push_str("REDACTED:REDACTED@");
                text.push_str(host);
            }
            None => text.push_str(authority.as_str()),
        }
    }
    text.push_str(uri.path());
    if let Some(raw) = uri.query() {
        text.push('?');
        text.push_str(&query(raw));
    }
    text
}

fn is_secret(pair: &str) -> bool {
    let Some((key, _)) = pair.split_once('=') else { return false };
    // A server decodes `%73ig` to `sig`.
    let key = percent_encoding::percent_decode_str(key).decode_utf8_lossy();
    SECRET.iter().any(|secret| secret.eq_ignore_ascii_case(&key))
}

#[cfg(test)]
mod tests {
    use super::{query, url};

    #[test]
    fn a_users_name_and_password_are_redacted() {
        let shown = |text: &str| url(&text.parse().expect("valid"));
        assert_eq!(shown("http://h:1/p?a=1&token=x"), "http://h:1/p?a=1&token=REDACTED");
        assert_eq!(shown("https://me:pw@h/"), "https://REDACTED:REDACTED@h/");
    }

    #[test]
    fn a_signature_is_redacted() {
        assert_eq!(query("a=1&b=2"), "a=1&b=2");
        assert_eq!(query("a=1&sig=abc"), "a=1&sig=REDACTED");
        assert_eq!(query("X-Amz-signature=abc&x"), "X-Amz-signature=REDACTED&x");
        assert_eq!(query("%73ig=abc"), "%73ig=REDACTED");
        assert_eq!(query("design=abc&sig"), "design=abc&sig");
    }
}
