//! Where certificates come from.

use futures_util::future::BoxFuture;

use super::connection_info::IssuedConnectionInfo;
use crate::credentials::IssuedToken;
use crate::transport::DialError;

/// A source of certificates: the Admin API, or a script in tests.
pub(super) trait CertificateIssuer: Send + Sync + 'static {
    /// Returns a certificate that contains the token `login`.
    fn issue<'a>(
        &'a self,
        login: &'a IssuedToken,
    ) -> BoxFuture<'a, Result<IssuedConnectionInfo, DialError>>;
}
