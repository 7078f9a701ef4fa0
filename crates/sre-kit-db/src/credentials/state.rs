//! What is known of the credentials at one moment.

use std::sync::Arc;

use tokio::time::Instant;

use crate::Secret;

/// A token, numbered in the order in which they came.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    pub(crate) secret: Secret,
    pub(crate) generation: u64,
    pub(crate) obtained: Instant,
    /// When it ends, where its source tells that.
    #[cfg_attr(not(feature = "iam"), allow(dead_code, reason = "the connector's"))]
    pub(crate) ends: Option<Instant>,
}

/// What is known of the credentials at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct CredentialState {
    /// The newest token there was.
    pub(crate) token: Option<Arc<Issued>>,
    /// Since when there is no answer but errors, and the last of them.
    pub(crate) failing: Option<Failing>,
}

#[derive(Clone, Debug)]
pub(crate) struct Failing {
    pub(crate) since: Instant,
    pub(crate) reason: Arc<str>,
}

impl CredentialState {
    pub(crate) fn is_healthy(&self) -> bool {
        self.token.is_some() && self.failing.is_none()
    }

    pub(crate) fn generation(&self) -> u64 {
        self.token.as_ref().map_or(0, |token| token.generation)
    }
}
