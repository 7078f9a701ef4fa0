//! The response to an authentication request.

use std::sync::Arc;

use crate::credentials::IssuedToken;

/// The response of the bridge to a password request.
pub(crate) enum AuthResponse {
    /// Forwards the request to sqlx, which has the password.
    Forward,
    /// Sends this token.
    Token(Arc<IssuedToken>),
    /// Sends nothing: the token is in the client certificate, and the server asks for no password.
    #[cfg_attr(not(feature = "iam"), allow(dead_code, reason = "the connector's"))]
    Certificate { generation: u64 },
}

impl AuthResponse {
    /// Returns the generation of the credentials of this login.
    pub(crate) fn generation(&self) -> Option<u64> {
        match self {
            Self::Forward => None,
            Self::Token(token) => Some(token.generation),
            Self::Certificate { generation } => Some(*generation),
        }
    }

    /// Returns the generation of the client certificate, if the login has one. A server that
    /// rejects it ends the connection without a PostgreSQL message.
    pub(crate) fn certificate_generation(&self) -> Option<u64> {
        match self {
            Self::Forward | Self::Token(_) => None,
            Self::Certificate { generation } => Some(*generation),
        }
    }
}
