//! What a handler can learn about the TLS of a connection.

use std::fmt;

use rustls::{ProtocolVersion, ServerConnection};

/// The TLS of a connection, in its
/// [`ConnectionInfo`](crate::server::ConnectionInfo::tls).
#[derive(Clone, PartialEq, Eq)]
pub struct TlsInfo {
    version: &'static str,
    server_name: Option<Box<str>>,
    client_certificate: Option<Box<[u8]>>,
}

impl TlsInfo {
    pub(super) fn of(connection: &ServerConnection) -> Self {
        let certificates = connection.peer_certificates().unwrap_or_default();
        Self {
            version: match connection.protocol_version() {
                Some(ProtocolVersion::TLSv1_2) => "1.2",
                _ => "1.3",
            },
            server_name: connection.server_name().map(Into::into),
            client_certificate: certificates.first().map(|certificate| (**certificate).into()),
        }
    }

    /// Returns the version of the protocol, `1.2` or `1.3`.
    pub fn version(&self) -> &str {
        self.version
    }

    /// Returns the name that the client asked for (SNI). It is the client's claim.
    pub fn server_name(&self) -> Option<&str> {
        self.server_name.as_deref()
    }

    /// Returns the client's certificate in DER, which was verified, or `None` if the client has
    /// none.
    pub fn client_certificate(&self) -> Option<&[u8]> {
        self.client_certificate.as_deref()
    }
}

impl fmt::Debug for TlsInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsInfo")
            .field("version", &self.version)
            .field("server_name", &self.server_name)
            .field("client_certificate", &self.client_certificate.is_some())
            .finish()
    }
}
