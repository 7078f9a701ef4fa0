//! The test for loopback hosts.

use std::net::IpAddr;

/// Returns whether `host` is this machine: `localhost`, or a loopback address.
///
/// `host` has no port. An IPv6 address can be in brackets, and an IPv4 address can be mapped.
/// Other names are not resolved: a name of any site can point to this machine.
pub fn is_loopback_host(host: &str) -> bool {
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_loopback_host;

    #[test]
    fn only_localhost_and_loopback_addresses_are_this_machine() {
        for host in ["localhost", "LocalHost", "127.0.0.1", "127.9.9.9", "::1", "[::1]"] {
            assert!(is_loopback_host(host), "{host}");
        }
        assert!(is_loopback_host("::ffff:127.0.0.1"), "a mapped address");
        for host in ["", "[", "127.0.0.1.example", "localhost.example", "10.0.0.1", "0.0.0.0", "::"]
        {
            assert!(!is_loopback_host(host), "{host}");
        }
    }
}
