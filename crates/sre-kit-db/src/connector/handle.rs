//! The connector of one instance.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::client::TlsStream;

use super::connection_info::ConnectionInfo;
use super::error::ConnectorError;
use super::login::ConnectorLogin;
use super::refresher::Refresher;
use super::stream::ConnectorStream;
use crate::credentials::Supervisor;
use crate::instrument::{DialMetrics, GaugeSource, PoolSnapshot};
use crate::transport::{
    DialError, DialErrorKind, PHASE_TIMEOUT, Phase, Retry, connect, describe, timed,
};

/// Connects to one Cloud SQL instance, with certificates that are refreshed in the background.
///
/// Cloning is cheap; the clones share their tokens and certificates. Dropping the last clone ends
/// the background tasks. Connections that were made live on. See the [module's page](super).
#[derive(Clone)]
pub struct Connector {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) name: Arc<str>,
    pub(super) instance: String,
    pub(super) user: Arc<str>,
    pub(super) login: Arc<Supervisor>,
    pub(super) refresher: Refresher,
    /// The longest wait for newer credentials after some were rejected.
    pub(super) renewal_wait: Duration,
    pub(super) metrics: DialMetrics,
}

impl Connector {
    /// Connects to the instance, and verifies that it is the right one.
    ///
    /// If the handshake fails, the certificate may have been revoked or the instance may have a new
    /// CA: the connector then waits up to 2 s for a newer certificate and tries once more.
    ///
    /// # Errors
    ///
    /// Returns an error if
    ///
    /// - there is no token or no certificate within 5 s;
    /// - the instance cannot be reached, or its certificate is not valid for it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes what was opened. The refreshes go on in the background.
    pub async fn connect(&self) -> Result<ConnectorStream, ConnectorError> {
        let mut dialed = self.dial().await;
        if let Some(generation) = dialed.as_ref().err().and_then(|e| e.rejected_credential)
            && self.credential_rejected(generation, Phase::Tls).await
        {
            dialed = self.dial().await;
        }
        let (inner, generation) = dialed.map_err(ConnectorError::new)?;
        let login = ConnectorLogin { user: Arc::clone(&self.inner.user), generation };
        Ok(ConnectorStream { inner, login })
    }

    /// Reports that the server rejected the user's token, with the SQLSTATE 28000 or 28P01. Waits
    /// up to 2 s for a certificate with a newer token, and returns whether there is one: then
    /// connect again.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the wait. The newer token is still requested.
    pub async fn token_rejected(&self, login: &ConnectorLogin) -> bool {
        self.credential_rejected(login.generation, Phase::Login).await
    }

    /// Reports that the server closed the connection before it answered the `StartupMessage`, as it
    /// does if the certificate was revoked: in TLS 1.3 the client learns of it after the handshake.
    /// Waits up to 2 s for a newer certificate, and returns whether there is one: then connect
    /// again.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the wait. The newer certificate is still requested.
    pub async fn certificate_rejected(&self, login: &ConnectorLogin) -> bool {
        self.credential_rejected(login.generation, Phase::Tls).await
    }

    /// Returns whether new connections can be expected to work: the last refreshes of the token and
    /// of the certificate succeeded, and the certificate has not expired.
    pub fn is_healthy(&self) -> bool {
        let state = self.inner.refresher.state();
        state.failure.is_none()
            && state.info.is_some_and(|info| !info.has_expired())
            && self.inner.login.state().is_healthy()
    }

    /// Connects, up to the first byte of PostgreSQL's protocol. Returns the generation of the
    /// certificate too.
    pub(crate) async fn dial(&self) -> Result<(TlsStream<TcpStream>, u64), DialError> {
        let Inner { refresher, metrics, .. } = &*self.inner;
        let current = refresher.current(Instant::now() + PHASE_TIMEOUT);
        let info = timed(metrics, Phase::Credentials, current).await?;
        let tcp = match timed(metrics, Phase::Tcp, connect(&info.address)).await {
            Ok(tcp) => tcp,
            Err(error) => {
                // The instance may have a new address, which the next attempt will use.
                refresher.reject(info.generation);
                return Err(error);
            }
        };
        let tls = timed(metrics, Phase::Tls, handshake(&info, tcp)).await;
        // The certificate may have been revoked, or the server may have a new CA.
        let tls = tls.map_err(|error| error.rejecting(info.generation))?;
        Ok((tls, info.generation))
    }

    /// Asks for newer credentials. Returns whether there are some in time.
    pub(crate) async fn credential_rejected(&self, generation: u64, failed_phase: Phase) -> bool {
        let Inner { refresher, login, renewal_wait, .. } = &*self.inner;
        let deadline = Instant::now() + *renewal_wait;
        if failed_phase == Phase::Login
            && let Some(token) = refresher.token_generation(generation)
        {
            // The server rejected the token. A new certificate with the same token would not help.
            login.reject(token);
            return refresher.has_newer_token(token, deadline).await;
        }
        refresher.reject(generation) && refresher.has_newer(generation, deadline).await
    }

    /// Returns why there are no fresh credentials, if there are none.
    pub(crate) fn complaint(&self) -> Option<Arc<str>> {
        let failure = self.inner.refresher.state().failure.map(|error| error.message.into());
        failure.or_else(|| self.inner.login.state().outage.map(|outage| outage.reason))
    }

    pub(crate) fn token_age(&self) -> Option<f64> {
        self.inner.login.token_age()
    }

    pub(crate) fn certificate_expiry(&self) -> Option<f64> {
        self.inner.certificate_expiry()
    }
}

impl Inner {
    fn certificate_expiry(&self) -> Option<f64> {
        Some(self.refresher.state().info?.seconds_left())
    }
}

impl GaugeSource for Inner {
    fn read(&self) -> Option<PoolSnapshot> {
        Some(PoolSnapshot {
            pool: Arc::clone(&self.name),
            token_age: self.login.token_age(),
            certificate_expiry: self.certificate_expiry(),
            ..PoolSnapshot::default()
        })
    }
}

async fn handshake(
    info: &ConnectionInfo,
    tcp: TcpStream,
) -> Result<TlsStream<TcpStream>, DialError> {
    let stream = info.tls.connect(info.server_name.clone(), tcp);
    let stream = timeout(PHASE_TIMEOUT, stream).await.map_err(|_| Phase::Tls.timed_out())?;
    stream.map_err(|error| {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let (error_type, retry) = match inner {
            Some(rustls::Error::InvalidCertificate(_)) => ("certificate", Retry::Never),
            Some(rustls::Error::PeerIncompatible(_)) => ("no_tls", Retry::Never),
            Some(rustls::Error::AlertReceived(rustls::AlertDescription::ProtocolVersion)) => {
                ("no_tls", Retry::Never)
            }
            Some(rustls::Error::AlertReceived(_)) => ("alert", Retry::Later),
            _ => {
                let what = format_args!("no TLS 1.3 with {}", info.address).to_string();
                return DialError::io(DialErrorKind::Tls, what, error);
            }
        };
        let message = format!("no TLS 1.3 with {}: {}", info.address, describe(&error));
        DialError { retry, ..DialError::new(DialErrorKind::Tls, error_type, message) }
            .caused_by(error)
    })
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").field("instance", &self.inner.instance).finish_non_exhaustive()
    }
}
