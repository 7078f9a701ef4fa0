//! The state of the credentials.

use std::sync::Arc;

use tokio::time::Instant;

use crate::secret::Secret;

/// A token with its generation, which grows by one with each new token.
#[derive(Clone, Debug)]
pub(crate) struct IssuedToken {
    pub(crate) secret: Secret,
    pub(crate) generation: u64,
    pub(crate) obtained: Instant,
    /// When it expires, if the source says so.
    #[cfg_attr(not(feature = "iam"), allow(dead_code, reason = "the connector's"))]
    pub(crate) expires: Option<Instant>,
}

/// The state of the credentials.
#[derive(Clone, Debug, Default)]
pub(crate) struct CredentialState {
    /// The newest token.
    pub(crate) token: Option<Arc<IssuedToken>>,
    /// The outage of the source, if its last answer was an error.
    pub(crate) outage: Option<CredentialOutage>,
}

/// A time in which the source returned only errors.
#[derive(Clone, Debug)]
pub(crate) struct CredentialOutage {
    pub(crate) since: Instant,
    /// The last error.
    pub(crate) reason: Arc<str>,
}

impl CredentialState {
    pub(crate) fn is_healthy(&self) -> bool {
        self.token.is_some() && self.outage.is_none()
    }

    pub(crate) fn generation(&self) -> u64 {
        self.token.as_ref().map_or(0, |token| token.generation)
    }
}
