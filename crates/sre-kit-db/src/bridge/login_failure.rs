//! How a login failed.

use super::sqlstate::REJECTED;
use crate::transport::{DialError, Phase};

/// The reason of a failed login.
pub(super) enum LoginFailure {
    /// The server rejected it, with this ErrorResponse. `generation` is that of the credentials, if
    /// they are the reason.
    Denied { message: Vec<u8>, code: String, text: String, generation: Option<u64> },
    /// The server was not reached, or it is not the right one.
    Failed(DialError),
    /// sqlx closed its end.
    Abandoned,
}

impl LoginFailure {
    /// Returns the generation of the credentials that were rejected, and the phase that failed.
    /// Newer credentials are then worth another attempt.
    pub(super) fn rejected_credential(&self) -> Option<(u64, Phase)> {
        match self {
            Self::Denied { code, generation, .. } if REJECTED.contains(&code.as_str()) => {
                generation.map(|generation| (generation, Phase::Login))
            }
            Self::Failed(error) => {
                error.rejected_credential.map(|generation| (generation, Phase::Tls))
            }
            _ => None,
        }
    }
}

impl From<DialError> for LoginFailure {
    fn from(error: DialError) -> Self {
        Self::Failed(error)
    }
}
