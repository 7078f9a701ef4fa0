//! The known HTTP methods, as values of a label.

use http::Method;

/// The values of `http.request.method` that OpenTelemetry knows. The first one replaces all
/// others.
pub const METHODS: [&str; 11] = [
    "_OTHER", "GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "CONNECT", "TRACE",
    "QUERY",
];

/// Returns the index of the method in [`METHODS`].
#[inline]
pub fn method_index(method: &Method) -> usize {
    match *method {
        Method::GET => 1,
        Method::POST => 2,
        Method::PUT => 3,
        Method::DELETE => 4,
        Method::HEAD => 5,
        Method::OPTIONS => 6,
        Method::PATCH => 7,
        Method::CONNECT => 8,
        Method::TRACE => 9,
        _ if method.as_str() == "QUERY" => 10,
        _ => 0,
    }
}

/// Returns the name of the method, or `_OTHER` if it is unknown.
#[inline]
pub fn method_name(method: &Method) -> &'static str {
    METHODS[method_index(method)]
}

/// Returns whether an index in [`METHODS`] is that of `CONNECT`.
#[inline]
pub fn is_connect(method: usize) -> bool {
    METHODS[method] == "CONNECT"
}

/// Returns whether an index in [`METHODS`] is that of `HEAD`.
#[inline]
pub fn is_head(method: usize) -> bool {
    METHODS[method] == "HEAD"
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::{METHODS, is_connect, is_head, method_index, method_name};

    #[test]
    fn each_known_method_has_its_own_name_and_the_others_share_one() {
        for (index, name) in METHODS.into_iter().enumerate().skip(1) {
            let method = Method::from_bytes(name.as_bytes()).expect("a token");
            assert_eq!((method_index(&method), method_name(&method)), (index, name));
        }
        for other in ["FOO", "get", "_OTHER"] {
            let method = Method::from_bytes(other.as_bytes()).expect("a token");
            assert_eq!(method_name(&method), "_OTHER", "{other}");
        }
        assert!(is_connect(method_index(&Method::CONNECT)) && !is_connect(0));
        assert!(is_head(method_index(&Method::HEAD)) && !is_head(0));
    }
}
