//! The check of the `Host` of a request.

use http::header::HOST;
use http::uri::Authority;
use http::{HeaderValue, Request, Version};

/// Returns whether the request names its host as HTTP demands: once, and well-formed. HTTP/1.0 and
/// HTTP/2 requests may name none.
///
/// A server that accepts two hosts, or none, can be made to route a request otherwise than the
/// proxy in front of it did. Sources: [RFC 9112, section 3.2][1], [RFC 9113, section 8.3.1][2].
///
/// [1]: https://www.rfc-editor.org/rfc/rfc9112#section-3.2
/// [2]: https://www.rfc-editor.org/rfc/rfc9113#section-8.3.1
pub(super) fn is_valid<B>(request: &Request<B>) -> bool {
    let headers = request.headers();
    // More values than names: one of the names occurs twice.
    if headers.len() > headers.keys_len() && headers.get_all(HOST).iter().nth(1).is_some() {
        return false;
    }
    let host = headers.get(HOST).map(HeaderValue::as_bytes);
    if host.is_some_and(|host| !is_plain_host(host) && !is_host(host)) {
        return false;
    }
    let authority = request.uri().authority();
    match request.version() {
        Version::HTTP_09 | Version::HTTP_10 => true,
        // An absolute target takes precedence over the header, which is still mandatory.
        Version::HTTP_11 => host.is_some(),
        _ => match (authority, host) {
            (Some(authority), Some(host)) => {
                authority.as_str().as_bytes().eq_ignore_ascii_case(host)
            }
            // HTTP/2 has no rule against a request without either, and the health checks of
            // HAProxy are such requests.
            (_, _) => true,
        },
    }
}

/// Returns whether `host` is a name or an IPv4 address with an optional port, as almost all are.
fn is_plain_host(host: &[u8]) -> bool {
    let end = host.iter().position(|byte| !is_plain(*byte)).unwrap_or(host.len());
    match &host[end..] {
        _ if end == 0 => false,
        [] => true,
        [b':', port @ ..] if port.len() < 6 && port.iter().all(u8::is_ascii_digit) => {
            port.iter().fold(0, |number, digit| 10 * number + u32::from(*digit - b'0')) < 1 << 16
        }
        _ => false,
    }
}

#[inline]
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.')
}

/// Returns whether `host` is a host with an optional port.
#[cold]
fn is_host(host: &[u8]) -> bool {
    // A header may hold bytes that are no text.
    let Ok(text) = std::str::from_utf8(host) else { return false };
    let Ok(authority) = text.parse::<Authority>() else { return false };
    let host = authority.host();
    let port = text.strip_prefix(host).and_then(|rest| match rest {
        "" => Some(""),
        rest => rest.strip_prefix(':'),
    });
    // A user before the host, or text after the port, is not part of a host.
    !host.is_empty() && port.is_some_and(|port| port.is_empty() || port.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use http::{Request, Version};

    use super::is_valid;

    fn check(version: Version, uri: &str, hosts: &[&str]) -> bool {
        let mut request = Request::get(uri).version(version);
        for host in hosts {
            request = request.header("host", *host);
        }
        is_valid(&request.body(()).expect("valid"))
    }

    #[test]
    fn http_1_1_needs_exactly_one_well_formed_host() {
        for (hosts, valid) in [
            (&["shop.example"][..], true),
            (&["shop.example:8080"], true),
            (&["shop.example:"], true),
            (&["127.0.0.1:1"], true),
            (&["[::1]:8080"], true),
            (&[], false),
            (&[""], false),
            (&["a", "a"], false),
            (&["a,b"], true), // a comma is a legal character of a registered name
            (&["a b"], false),
            (&["a/b"], false),
            (&["user@a"], false),
            (&["a:b"], false),
            (&["a:70000"], false),
            (&["[::1"], false),
            (&["http://a"], false),
            (&["shop-2.example.:65535"], true),
            (&["shop.example:65536"], false),
            (&["shop.example:0080"], true),
            (&["shop.example:-1"], false),
            (&["sh\u{f6}p.example"], false),
            (&[":80"], false),
            (&["a:1:2"], false),
            (&["a?b"], false),
            (&["a#b"], false),
        ] {
            assert_eq!(check(Version::HTTP_11, "/", hosts), valid, "{hosts:?}");
        }
        assert!(!check(Version::HTTP_11, "http://a/", &[]), "an absolute target replaces none");
        assert!(check(Version::HTTP_11, "http://a/", &["b"]));
        assert!(check(Version::HTTP_10, "/", &[]));
        assert!(!check(Version::HTTP_10, "/", &["a", "b"]));
    }

    #[test]
    fn http_2_refuses_two_different_hosts_and_takes_none_as_health_checks_send_it() {
        assert!(check(Version::HTTP_2, "http://a/", &[]));
        assert!(check(Version::HTTP_2, "http://a/", &["A"]));
        assert!(!check(Version::HTTP_2, "http://a/", &["b"]));
        assert!(check(Version::HTTP_2, "/", &["b"]));
        assert!(check(Version::HTTP_2, "/", &[]));
    }
}
