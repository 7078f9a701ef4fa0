//! What the bridge needs of a dialer.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};

use super::auth::AuthResponse;
use crate::transport::{DialError, Phase};

/// A way to reach one server.
pub(crate) trait Dial: Send + Sync {
    /// Connects, up to the first byte of PostgreSQL's protocol.
    fn dial(&self) -> BoxFuture<'_, Result<DialedServer, DialError>>;

    /// Reports that the server rejected the credentials of `generation` in `failed_phase`. Returns
    /// whether there are newer credentials, so that another attempt is worthwhile.
    fn credential_rejected(&self, generation: u64, failed_phase: Phase) -> BoxFuture<'_, bool>;

    /// Returns whether new logins can be expected to work.
    fn is_healthy(&self) -> bool;

    /// Returns why there are no fresh credentials, if there are none.
    fn complaint(&self) -> Option<Arc<str>>;

    /// Returns the age of the token in seconds.
    fn token_age(&self) -> Option<f64> {
        None
    }

    /// Returns the seconds until the client certificate expires.
    fn certificate_expiry(&self) -> Option<f64> {
        None
    }
}

/// A connection to a server, before the login.
pub(crate) struct DialedServer {
    pub(crate) io: Box<dyn ServerIo>,
    pub(crate) response: AuthResponse,
}

/// Both directions of a connection.
pub(crate) trait ServerIo: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> ServerIo for T {}
