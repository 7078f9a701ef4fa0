//! The check that a request comes from this machine, for pages that change something.

use http::header::{FORWARDED, HOST, ORIGIN};
use http::request::Parts;
use http::uri::Authority;
use sre_kit_core::internal::is_loopback_host;

use crate::server::ConnectionInfo;

/// Returns why a request may not change anything, or `None` if it may.
///
/// A loopback peer alone does not prove that the request comes from this machine: a proxy beside
/// the process forwards from a loopback address, and a browser on this machine sends the requests
/// of any site's page (cross-site request forgery), also to a name that the site resolves to a
/// loopback address (DNS rebinding).
pub(super) fn refusal(head: &Parts) -> Option<&'static str> {
    let Some(info) = head.extensions.get::<ConnectionInfo>() else {
        return Some("the peer's address is not known\n");
    };
    if !info.peer_addr().ip().to_canonical().is_loopback() {
        return Some("only this machine may change something\n");
    }
    refusal_by_headers(head)
}

/// Returns why the headers show that the request comes from elsewhere.
fn refusal_by_headers(head: &Parts) -> Option<&'static str> {
    let headers = &head.headers;
    if headers.contains_key(FORWARDED) || headers.contains_key("x-forwarded-for") {
        return Some("a request that was forwarded may not change anything\n");
    }
    let host = match headers.get(HOST) {
        Some(host) => host.to_str().ok().and_then(|host| host.parse::<Authority>().ok()),
        // HTTP/2 has it in the request target.
        None => head.uri.authority().cloned(),
    };
    let Some(host) = host.filter(|host| is_loopback_host(host.host())) else {
        return Some("the request is for another host\n");
    };
    let foreign = headers.get(ORIGIN).is_some_and(|origin| {
        let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
        origin.is_none_or(|(_, authority)| !authority.eq_ignore_ascii_case(host.as_str()))
    });
    foreign.then_some("a page of another site may not change anything\n")
}

#[cfg(test)]
mod tests {
    use http::Request;
    use http::request::Parts;

    use super::{refusal, refusal_by_headers};

    fn head(uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::post(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).expect("valid").into_parts().0
    }

    #[test]
    fn only_what_was_asked_here_and_by_no_foreign_page_passes() {
        for (headers, passes) in [
            (&[("host", "127.0.0.1:9464")][..], true),
            (&[("host", "localhost")], true),
            (&[("host", "[::1]:9464")], true),
            (&[("host", "127.0.0.1:9464"), ("origin", "http://127.0.0.1:9464")], true),
            (&[("host", "127.0.0.1:9464"), ("origin", "https://evil.example")], false),
            (&[("host", "127.0.0.1:9464"), ("origin", "http://127.0.0.1:8080")], false),
            (&[("host", "127.0.0.1:9464"), ("origin", "null")], false),
            (&[("host", "evil.example:9464")], false),
            (&[("host", "127.0.0.1.evil.example")], false),
            (&[("host", "127.0.0.1"), ("x-forwarded-for", "203.0.113.9")], false),
            (&[("host", "127.0.0.1"), ("forwarded", "for=203.0.113.9")], false),
            (&[], false),
        ] {
            assert_eq!(
                refusal_by_headers(&head("/drain", headers)).is_none(),
                passes,
                "{headers:?}"
            );
        }
        assert!(refusal_by_headers(&head("http://localhost:9464/drain", &[])).is_none(), "HTTP/2");
    }

    #[test]
    fn an_unknown_peer_is_refused() {
        let refused = refusal(&head("/drain", &[("host", "127.0.0.1")]));
        assert_eq!(refused, Some("the peer's address is not known\n"));
    }
}
