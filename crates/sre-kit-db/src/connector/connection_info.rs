//! What a connection needs: an address, a client certificate, and the CA of the server.

use std::time::{Duration, SystemTime};

use rustls::pki_types::ServerName;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

use crate::address::Address;
use crate::credentials::IssuedToken;

/// The address, certificate and CA of a connection, with a generation that grows with each refresh.
pub(super) struct ConnectionInfo {
    pub(super) generation: u64,
    /// The generation of the token in the certificate.
    pub(super) token_generation: u64,
    pub(super) address: Address,
    pub(super) server_name: ServerName<'static>,
    /// Holds the client certificate, and the CA and the names of the server.
    pub(super) tls: TlsConnector,
    expires: Instant,
    not_after: SystemTime,
}

/// What the Admin API has issued, before it has a generation.
pub(super) struct IssuedConnectionInfo {
    pub(super) address: Address,
    pub(super) server_name: ServerName<'static>,
    pub(super) tls: TlsConnector,
    pub(super) not_after: SystemTime,
}

impl IssuedConnectionInfo {
    /// Returns how long the certificate is valid.
    pub(super) fn expires_in(&self) -> Duration {
        self.not_after.duration_since(SystemTime::now()).unwrap_or_default()
    }
}

impl ConnectionInfo {
    /// Numbers what was issued. The token in the certificate may expire before the certificate
    /// does.
    pub(super) fn new(issued: IssuedConnectionInfo, generation: u64, token: &IssuedToken) -> Self {
        let expires = Instant::now() + issued.expires_in();
        let expires = token.expires.map_or(expires, |token| token.min(expires));
        let token_generation = token.generation;
        let IssuedConnectionInfo { address, server_name, tls, not_after } = issued;
        Self { generation, token_generation, address, server_name, tls, expires, not_after }
    }

    /// Returns how long the certificate and its token are valid.
    pub(super) fn expires_in(&self) -> Duration {
        self.expires.saturating_duration_since(Instant::now())
    }

    /// Returns whether the certificate has expired. Both clocks count: the monotonic one stands
    /// still while the machine sleeps.
    pub(super) fn has_expired(&self) -> bool {
        self.expires <= Instant::now() || self.not_after <= SystemTime::now()
    }

    /// Returns the seconds until the certificate expires, negative afterwards.
    pub(super) fn seconds_left(&self) -> f64 {
        let now = SystemTime::now();
        match self.not_after.duration_since(now) {
            Ok(left) => left.as_secs_f64(),
            Err(past) => -past.duration().as_secs_f64(),
        }
    }
}
