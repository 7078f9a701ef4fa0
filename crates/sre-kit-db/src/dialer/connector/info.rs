//! What a connection needs, as the Admin API tells it.

use std::time::{Duration, SystemTime};

use rustls::pki_types::ServerName;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

use crate::credentials::Issued;
use crate::settings::Address;

/// What a connection needs, numbered in the order in which it came.
pub(super) struct Info {
    pub(super) generation: u64,
    /// The generation of the token that the certificate has in it.
    pub(super) token: u64,
    pub(super) address: Address,
    pub(super) server_name: ServerName<'static>,
    /// With the certificate, and with what the server has to show.
    pub(super) tls: TlsConnector,
    ends: Instant,
    not_after: SystemTime,
}

/// The same, as it has just come.
pub(super) struct Fresh {
    pub(super) address: Address,
    pub(super) server_name: ServerName<'static>,
    pub(super) tls: TlsConnector,
    pub(super) not_after: SystemTime,
}

impl Fresh {
    /// How long the certificate is still good.
    pub(super) fn expires_in(&self) -> Duration {
        self.not_after.duration_since(SystemTime::now()).unwrap_or_default()
    }
}

impl Info {
    /// `token` is what the certificate has in it, which may end before.
    pub(super) fn new(fresh: Fresh, generation: u64, token: &Issued) -> Self {
        let ends = Instant::now() + fresh.expires_in();
        let ends = token.ends.map_or(ends, |token| token.min(ends));
        let token = token.generation;
        let Fresh { address, server_name, tls, not_after } = fresh;
        Self { generation, token, address, server_name, tls, ends, not_after }
    }

    /// How long it is still good.
    pub(super) fn expires_in(&self) -> Duration {
        self.ends.saturating_duration_since(Instant::now())
    }

    /// Whether the certificate has ended. A machine that slept has slept through its
    /// own clock, but not through the calendar.
    pub(super) fn is_over(&self) -> bool {
        self.ends <= Instant::now() || self.not_after <= SystemTime::now()
    }

    /// Seconds until the certificate ends, less than none after that.
    pub(super) fn remaining(&self) -> f64 {
        let now = SystemTime::now();
        match self.not_after.duration_since(now) {
            Ok(left) => left.as_secs_f64(),
            Err(past) => -past.duration().as_secs_f64(),
        }
    }
}
