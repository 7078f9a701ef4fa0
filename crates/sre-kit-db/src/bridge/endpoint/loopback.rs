//! A port of 127.0.0.1, for systems without Unix sockets.
//!
//! Every user of the machine can connect to it, so a client has to show a secret that only this
//! process knows before anything is dialled.

use std::io;
use std::net::{Ipv4Addr, TcpListener as StdListener};

use tokio::net::TcpListener;

use super::{LocalAddress, LocalStream};
use crate::secret::Secret;

/// A listening port, and its secret.
pub(crate) struct Loopback {
    listener: TcpListener,
    port: u16,
    secret: Secret,
}

impl Loopback {
    pub(super) fn bind() -> io::Result<Self> {
        // Windows shares the port with no other socket, because the option that allows it is not
        // set here.
        let listener = StdListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        Ok(Self { listener: TcpListener::from_std(listener)?, port, secret: new_secret()? })
    }

    pub(super) fn address(&self) -> LocalAddress {
        LocalAddress::Loopback { port: self.port, secret: self.secret.clone() }
    }

    pub(super) async fn accept(&self) -> io::Result<LocalStream> {
        let (io, _) = self.listener.accept().await?;
        // The messages of a query are small, and each waits for its answer.
        io.set_nodelay(true)?;
        Ok(LocalStream::Tcp { io })
    }
}

/// Returns 256 random bits in hexadecimal, from the generator of the system: a build without a TLS
/// provider has no other that is safe.
fn new_secret() -> io::Result<Secret> {
    let mut random = zeroize::Zeroizing::new([0; 32]);
    getrandom::fill(random.as_mut_slice())
        .map_err(|error| io::Error::other(format!("the system gave no random numbers: {error}")))?;
    let mut text = String::with_capacity(64);
    for byte in random.iter() {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(digit), 16).unwrap_or_default());
        }
    }
    Ok(Secret::from(text))
}

#[cfg(test)]
mod tests {
    use super::new_secret;

    #[test]
    fn each_secret_is_new_and_long() {
        let (one, other) = (new_secret().expect("random"), new_secret().expect("random"));
        assert!(one != other);
        assert_eq!(one.expose().len(), 64);
        assert!(one.expose().bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}
