//! The sockets that a server listens on.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::net::UnixListener;
use tokio_util::either::Either;

use super::transport::RawStream;

/// Bound listeners: one, or several that share the limits of one server.
///
/// Made from a [`TcpListener`], on Unix from a `UnixListener`, from an array or a vector of either,
/// or from an iterator.
#[derive(Debug)]
pub struct Listeners(pub(super) Vec<Listener>);

/// One bound listener.
#[derive(Debug)]
pub(super) enum Listener {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix {
        // Removed before the listener is closed, so that a file of a later process stays.
        _file: Option<SocketFile>,
        listener: UnixListener,
    },
}

/// Removes the file of a Unix socket when it is dropped.
#[cfg(unix)]
#[derive(Debug)]
pub(super) struct SocketFile(std::path::PathBuf);

#[cfg(unix)]
impl Drop for SocketFile {
    fn drop(&mut self) {
        // It may be gone already; a later start replaces one that is left.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Listeners {
    /// Returns the sockets that systemd passed to this process ([socket activation][1]), or `None`
    /// if it passed none. A second call returns them again, so call it once.
    ///
    /// ```no_run
    /// use sre_kit::server::Listeners;
    /// # async fn f() -> std::io::Result<()> {
    /// let listeners = match Listeners::from_systemd()? {
    ///     Some(listeners) => listeners,
    ///     None => tokio::net::TcpListener::bind("127.0.0.1:8080").await?.into(),
    /// };
    /// # drop(listeners);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if a socket is neither a TCP nor a Unix stream listener.
    ///
    /// # Panics
    ///
    /// Panics outside of a Tokio runtime if sockets were passed.
    ///
    /// [1]: https://www.freedesktop.org/software/systemd/man/latest/sd_listen_fds.html
    #[cfg(all(unix, feature = "systemd"))]
    #[cfg_attr(docsrs, doc(cfg(feature = "systemd")))]
    pub fn from_systemd() -> io::Result<Option<Self>> {
        let mut passed = listenfd::ListenFd::from_env();
        let mut listeners = Vec::with_capacity(passed.len());
        for index in 0..passed.len() {
            // A socket of another kind stays in its place.
            if let Ok(Some(listener)) = passed.take_tcp_listener(index) {
                listener.set_nonblocking(true)?;
                listeners.push(TcpListener::from_std(listener)?.into());
            } else if let Some(listener) = passed.take_unix_listener(index)? {
                listener.set_nonblocking(true)?;
                // The file of the socket is systemd's.
                listeners.push(UnixListener::from_std(listener)?.into());
            }
        }
        Ok((!listeners.is_empty()).then_some(Self(listeners)))
    }

    /// Removes the file at `path` when the listener is closed.
    #[cfg(all(unix, feature = "admin"))]
    pub(crate) fn of_unix_path(listener: UnixListener, path: std::path::PathBuf) -> Self {
        Self(vec![Listener::Unix { _file: Some(SocketFile(path)), listener }])
    }
}

/// An accepted connection.
pub(super) struct Accepted {
    pub(super) stream: RawStream,
    /// `None` on a Unix socket.
    pub(super) peer: Option<SocketAddr>,
}

impl Listener {
    /// Accepts the next connection. Cancel safe.
    pub(super) async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                Ok(Accepted { stream: Either::Left(stream), peer: Some(peer) })
            }
            #[cfg(unix)]
            Self::Unix { listener, .. } => {
                let (stream, _) = listener.accept().await?;
                Ok(Accepted { stream: Either::Right(stream), peer: None })
            }
        }
    }
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self::Tcp(listener)
    }
}

#[cfg(unix)]
impl From<UnixListener> for Listener {
    fn from(listener: UnixListener) -> Self {
        Self::Unix { _file: None, listener }
    }
}

impl From<TcpListener> for Listeners {
    fn from(listener: TcpListener) -> Self {
        Self(vec![listener.into()])
    }
}

impl From<Vec<TcpListener>> for Listeners {
    fn from(listeners: Vec<TcpListener>) -> Self {
        listeners.into_iter().collect()
    }
}

impl<const N: usize> From<[TcpListener; N]> for Listeners {
    fn from(listeners: [TcpListener; N]) -> Self {
        listeners.into_iter().collect()
    }
}

impl FromIterator<TcpListener> for Listeners {
    fn from_iter<I: IntoIterator<Item = TcpListener>>(listeners: I) -> Self {
        Self(listeners.into_iter().map(Listener::Tcp).collect())
    }
}

#[cfg(unix)]
impl From<UnixListener> for Listeners {
    fn from(listener: UnixListener) -> Self {
        Self(vec![listener.into()])
    }
}

#[cfg(unix)]
impl From<Vec<UnixListener>> for Listeners {
    fn from(listeners: Vec<UnixListener>) -> Self {
        listeners.into_iter().collect()
    }
}

#[cfg(unix)]
impl<const N: usize> From<[UnixListener; N]> for Listeners {
    fn from(listeners: [UnixListener; N]) -> Self {
        listeners.into_iter().collect()
    }
}

#[cfg(unix)]
impl FromIterator<UnixListener> for Listeners {
    fn from_iter<I: IntoIterator<Item = UnixListener>>(listeners: I) -> Self {
        Self(listeners.into_iter().map(Listener::from).collect())
    }
}

/// Adds listeners, for example of the other kind.
impl Extend<TcpListener> for Listeners {
    fn extend<I: IntoIterator<Item = TcpListener>>(&mut self, listeners: I) {
        self.0.extend(listeners.into_iter().map(Listener::Tcp));
    }
}

/// Adds listeners, for example of the other kind.
#[cfg(unix)]
impl Extend<UnixListener> for Listeners {
    fn extend<I: IntoIterator<Item = UnixListener>>(&mut self, listeners: I) {
        self.0.extend(listeners.into_iter().map(Listener::from));
    }
}
