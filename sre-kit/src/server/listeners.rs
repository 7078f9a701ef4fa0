//! The sockets that a server listens on.

use tokio::net::TcpListener;

/// Bound listeners: one, or several that share the limits of one server.
///
/// Made from a [`TcpListener`], an array or a vector of them, or an iterator.
#[derive(Debug)]
pub struct Listeners(pub(super) Vec<TcpListener>);

impl From<TcpListener> for Listeners {
    fn from(listener: TcpListener) -> Self {
        Self(vec![listener])
    }
}

impl From<Vec<TcpListener>> for Listeners {
    fn from(listeners: Vec<TcpListener>) -> Self {
        Self(listeners)
    }
}

impl<const N: usize> From<[TcpListener; N]> for Listeners {
    fn from(listeners: [TcpListener; N]) -> Self {
        Self(listeners.into())
    }
}

impl FromIterator<TcpListener> for Listeners {
    fn from_iter<I: IntoIterator<Item = TcpListener>>(listeners: I) -> Self {
        Self(listeners.into_iter().collect())
    }
}
