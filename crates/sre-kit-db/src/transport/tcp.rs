//! TCP connections.

use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::error::{DialError, DialErrorKind};
use super::phase::{PHASE_TIMEOUT, Phase};
use crate::address::Address;

/// The interval of keep-alive probes. Google's connectors use the same value.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// The probes without an answer after which an idle peer is given up: two minutes in all.
#[cfg(any(target_os = "linux", target_os = "macos", windows))]
const KEEPALIVE_RETRIES: u32 = 3;

/// The time after which data without an acknowledgement ends a connection. Keep-alive does not run
/// meanwhile, and the system's own limit is about 15 minutes.
#[cfg(target_os = "linux")]
const USER_TIMEOUT: Duration = Duration::from_secs(15);

/// Connects to the first address of the host that accepts.
pub(crate) async fn connect(address: &Address) -> Result<TcpStream, DialError> {
    let target = (address.host.as_str(), address.port);
    let stream = timeout(PHASE_TIMEOUT, TcpStream::connect(target))
        .await
        .map_err(|_| Phase::Tcp.timed_out())?
        .map_err(|error| {
            let what = format_args!("cannot reach {address}").to_string();
            DialError::io(DialErrorKind::Unreachable, what, error)
        })?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE);
    #[cfg(any(target_os = "linux", target_os = "macos", windows))]
    let keepalive = keepalive.with_retries(KEEPALIVE_RETRIES);
    #[cfg(target_os = "linux")]
    let _ = SockRef::from(&stream).set_tcp_user_timeout(Some(USER_TIMEOUT));
    // All options are optimisations: a system without one of them is no reason to fail.
    let _ = SockRef::from(&stream).set_tcp_keepalive(&keepalive);
    // With Nagle's algorithm the small messages of a login wait for acknowledgements, 40 ms each
    // (launchbadge/sqlx#4335).
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::{Address, KEEPALIVE, KEEPALIVE_RETRIES, SockRef, USER_TIMEOUT, connect};

    #[tokio::test]
    async fn a_peer_that_disappears_is_noticed_while_idle_and_while_sending() {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let stream = connect(&Address { host: "127.0.0.1".to_owned(), port }).await.expect("open");
        let socket = SockRef::from(&stream);
        assert_eq!(socket.tcp_user_timeout().expect("read"), Some(USER_TIMEOUT));
        assert!(socket.keepalive().expect("read") && socket.tcp_nodelay().expect("read"));
        assert_eq!(socket.tcp_keepalive_time().expect("read"), KEEPALIVE);
        assert_eq!(socket.tcp_keepalive_retries().expect("read"), KEEPALIVE_RETRIES);
    }
}
