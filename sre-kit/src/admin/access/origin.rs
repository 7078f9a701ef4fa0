//! What the address and the headers of a request say about where it comes from.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::HeaderMap;
use http::header::{FORWARDED, HOST, ORIGIN, VIA};
use http::request::Parts;
use http::uri::Authority;
use sre_kit_core::internal::is_loopback_host;

/// Returns whether `address` is 127.0.0.1 or ::1. The other addresses of 127.0.0.0/8 are used by
/// proxies that forward for others.
pub(super) fn is_this_machine(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address == Ipv4Addr::LOCALHOST,
        IpAddr::V6(address) => address == Ipv6Addr::LOCALHOST,
    }
}

/// Returns whether a proxy has forwarded the request.
pub(super) fn is_forwarded(headers: &HeaderMap) -> bool {
    const PREFIXES: [&str; 3] = ["x-forwarded-", "x-envoy-", "x-original-"];
    const NAMES: [&str; 4] = ["x-forwarded", "x-real-ip", "x-client-ip", "true-client-ip"];
    headers.keys().any(|name| {
        *name == FORWARDED
            || *name == VIA
            || NAMES.contains(&name.as_str())
            || PREFIXES.iter().any(|prefix| name.as_str().starts_with(prefix))
    })
}

/// Returns whether the page of another site, in a browser, sent the request.
///
/// Browsers say it in `Sec-Fetch-Site`, and older ones in `Origin`.
pub(super) fn is_from_another_site(head: &Parts) -> bool {
    let mut sites = head.headers.get_all("sec-fetch-site").iter();
    if sites.any(|site| !matches!(site.as_bytes(), b"same-origin" | b"none")) {
        return true;
    }
    let mut origins = head.headers.get_all(ORIGIN).iter();
    origins.any(|origin| {
        let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
        let (Some((_, origin)), Some(host)) = (origin, host(head)) else { return true };
        !origin.eq_ignore_ascii_case(host.as_str())
    })
}

/// Returns whether the request is for a loopback host.
pub(super) fn names_loopback(head: &Parts) -> bool {
    host(head).is_some_and(|host| is_loopback_host(host.host()))
}

/// Returns the host that the request names, or `None` if it names none or several.
fn host(head: &Parts) -> Option<Authority> {
    let mut hosts = head.headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok()?.parse().ok(),
        // HTTP/2 has it in the request target.
        (None, _) => head.uri.authority().cloned(),
        (Some(_), Some(_)) => None,
    }
}

#[cfg(test)]
mod tests {
    use http::Request;
    use http::request::Parts;

    use super::{is_forwarded, is_from_another_site, is_this_machine, names_loopback};

    fn head(uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::post(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).expect("valid").into_parts().0
    }

    #[test]
    fn this_machine_is_exactly_two_addresses() {
        for address in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            assert!(is_this_machine(address.parse().expect("valid")), "{address}");
        }
        for address in ["127.0.0.6", "127.0.0.2", "::ffff:127.0.0.6", "0.0.0.0", "10.0.0.1", "::"] {
            assert!(!is_this_machine(address.parse().expect("valid")), "{address}");
        }
    }

    #[test]
    fn a_host_is_loopback_only_by_its_own_name() {
        for (host, passes) in [
            ("127.0.0.1:9464", true),
            ("localhost", true),
            ("[::1]:9464", true),
            ("evil.example:9464", false),
            ("127.0.0.1.evil.example", false),
        ] {
            assert_eq!(names_loopback(&head("/", &[("host", host)])), passes, "{host}");
        }
        assert!(!names_loopback(&head("/", &[])));
        assert!(!names_loopback(&head("/", &[("host", "localhost"), ("host", "evil.example")])));
        assert!(names_loopback(&head("http://localhost:9464/drain", &[])), "HTTP/2");
    }

    #[test]
    fn every_header_of_a_proxy_counts() {
        for name in [
            "forwarded",
            "via",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwarded-proto",
            "x-forwarded-client-cert",
            "x-forwarded",
            "x-real-ip",
            "x-client-ip",
            "x-envoy-attempt-count",
            "x-original-forwarded-for",
        ] {
            assert!(is_forwarded(&head("/", &[(name, "x")]).headers), "{name}");
        }
        assert!(!is_forwarded(&head("/", &[("host", "a"), ("x-request-id", "1")]).headers));
    }

    #[test]
    fn a_page_of_another_site_is_known_by_either_header() {
        let host = ("host", "127.0.0.1:9464");
        for (header, foreign) in [
            (("origin", "http://127.0.0.1:9464"), false),
            (("origin", "https://evil.example"), true),
            (("origin", "http://127.0.0.1:8080"), true),
            (("origin", "null"), true),
            (("sec-fetch-site", "same-origin"), false),
            (("sec-fetch-site", "none"), false),
            (("sec-fetch-site", "same-site"), true),
            (("sec-fetch-site", "cross-site"), true),
            (("sec-fetch-site", "later-invention"), true),
        ] {
            assert_eq!(is_from_another_site(&head("/", &[host, header])), foreign, "{header:?}");
        }
        assert!(!is_from_another_site(&head("/", &[host])));
    }
}
