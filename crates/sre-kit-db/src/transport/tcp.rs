//! TCP connections.

use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::error::{DialError, DialErrorKind};
use super::phase::{PHASE_TIMEOUT, Phase};
use crate::address::Address;

/// The interval of keep-alive probes. A peer that disappeared is noticed after about two minutes
/// instead of the two hours of most systems. Google's connectors use the same value.
const KEEPALIVE: Duration = Duration::from_secs(30);

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
    // Both options are optimisations: a system without one of them is no reason to fail.
    let _ = SockRef::from(&stream).set_tcp_keepalive(&keepalive);
    // With Nagle's algorithm the small messages of a login wait for acknowledgements, 40 ms each
    // (launchbadge/sqlx#4335).
    let _ = stream.set_nodelay(true);
    Ok(stream)
}
