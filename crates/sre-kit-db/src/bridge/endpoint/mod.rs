//! Where sqlx connects to the bridge, so that only this process can.

mod loopback;
#[cfg(unix)]
mod socket;
mod stream;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use loopback::Loopback;
#[cfg(unix)]
use socket::{Socket, is_own_process};
pub(super) use stream::LocalStream;

use crate::secret::Secret;

/// Where sqlx connects to, with the bridge or the server itself behind it.
#[derive(Clone, Debug)]
pub(crate) enum LocalAddress {
    /// The Unix socket in this directory, named by the port.
    Socket { directory: PathBuf, port: u16 },
    /// A port of 127.0.0.1, which asks for this secret.
    Loopback { port: u16, secret: Secret },
}

/// The listener of the bridge.
pub(crate) enum Endpoint {
    #[cfg(unix)]
    Socket(Socket),
    Loopback(Loopback),
}

/// A connection that was accepted.
pub(super) enum Accepted {
    /// A connection of this process, or one that still has to show the secret.
    Client(LocalStream),
    /// A connection of another process.
    #[cfg(unix)]
    Foreign,
}

impl Endpoint {
    /// Binds a Unix socket, in a new private directory inside of `inside` if there is one.
    #[cfg(unix)]
    pub(crate) fn socket(inside: Option<&Path>) -> io::Result<Self> {
        Socket::bind(inside).map(Self::Socket)
    }

    /// Returns that this system has no Unix sockets.
    #[cfg(not(unix))]
    pub(crate) fn socket(_inside: Option<&Path>) -> io::Result<Self> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no Unix sockets"))
    }

    /// Binds a port of 127.0.0.1, with a new secret.
    pub(crate) fn loopback() -> io::Result<Self> {
        Loopback::bind().map(Self::Loopback)
    }

    /// Returns where sqlx connects to.
    pub(crate) fn address(&self) -> LocalAddress {
        match self {
            #[cfg(unix)]
            Self::Socket(socket) => {
                LocalAddress::Socket { directory: socket.directory().to_owned(), port: 5432 }
            }
            Self::Loopback(loopback) => loopback.address(),
        }
    }

    /// Returns the secret that a client has to show first.
    pub(super) fn secret(&self) -> Option<Secret> {
        match self.address() {
            LocalAddress::Socket { .. } => None,
            LocalAddress::Loopback { secret, .. } => Some(secret),
        }
    }

    /// Waits for the next connection. Dropping the future loses none.
    pub(super) async fn accept(&self) -> io::Result<Accepted> {
        match self {
            #[cfg(unix)]
            Self::Socket(socket) => {
                let (client, _) = socket.listener.accept().await?;
                Ok(if is_own_process(&client) {
                    Accepted::Client(LocalStream::Unix { io: client })
                } else {
                    Accepted::Foreign
                })
            }
            Self::Loopback(loopback) => Ok(Accepted::Client(loopback.accept().await?)),
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Endpoint").field(&self.address()).finish()
    }
}
