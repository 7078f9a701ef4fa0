//! What a graceful shutdown had to cut off.

/// The connections and requests that were cut off because the drain's time was over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Unfinished {
    /// The number of connections that were closed by force while a request was in flight, without the
    /// upgraded ones.
    pub connections: usize,
    /// The number of requests that were in flight on them.
    pub requests: usize,
    /// The number of upgraded connections that were closed by force.
    pub upgraded: usize,
}

impl Unfinished {
    /// Returns whether everything finished in time.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
