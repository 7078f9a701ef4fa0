//! A TCP connection that tells early when nobody is there, and sends at once.

use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{DialError, PART, Phase};
use crate::settings::Address;

/// A peer that went away without a word is noticed after about two minutes, not after
/// the two hours of most systems. Google's own connectors ask as often.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Connects to the first address of the host that answers.
pub(crate) async fn connect(address: &Address) -> Result<TcpStream, DialError> {
    let target = (address.host.as_str(), address.port);
    let stream = timeout(PART, TcpStream::connect(target))
        .await
        .map_err(|_| DialError::timed_out(Phase::Tcp))?
        .map_err(|error| DialError::io(format_args!("cannot reach {address}"), &error))?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE);
    // Neither changes what arrives, so a system that has not got one of them is no
    // reason to fail.
    let _ = SockRef::from(&stream).set_tcp_keepalive(&keepalive);
    // Without, the small messages of a login wait for each other's receipts: 40 ms each
    // (launchbadge/sqlx#4335).
    let _ = stream.set_nodelay(true);
    Ok(stream)
}
