//! The phase of a server's graceful shutdown.

/// How far the graceful shutdown of a server has come. A server never goes back to an earlier
/// phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Connections are accepted and kept open.
    Open,
    /// Connections are accepted, and clients are asked to reconnect elsewhere.
    Announced,
    /// No connection is accepted; requests in flight are finished.
    Closing,
    /// Connections that hyper still serves are closed by force.
    Cut,
    /// Upgraded connections are closed by force as well.
    Aborted,
}

impl Phase {
    /// Returns the phase whose discriminant is `value`.
    pub(super) fn from_u8(value: u8) -> Self {
        match value {
            0 => Self::Open,
            1 => Self::Announced,
            2 => Self::Closing,
            3 => Self::Cut,
            _ => Self::Aborted,
        }
    }
}
