//! An instance of Cloud SQL, by the protocol of its connectors: a certificate from the
//! Admin API that has the token in it, and mutual TLS 1.3 to the proxy beside the server.
//!
//! What Google's own connectors do and how, see the sources of
//! `GoogleCloudPlatform/cloud-sql-go-connector`. Their metadata exchange is left out: it
//! serves MySQL.

mod answer;
mod api;
mod bucket;
mod http;
mod info;
mod key;
mod refresher;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::client::TlsStream;

use super::{Answer, Chance, Dial, DialError, Dialed, PART, Phase, connect, newer, timed, told};
use crate::credentials::Supervisor;
use crate::instrument::{BridgeMetrics, CertificateMetrics};
use crate::settings::{DbSettings, Instance, Ip};
use api::AdminApi;
use info::Info;
use refresher::Refresher;
use sre_kit_core::ConfigError;

/// Dials an instance by its name.
pub(crate) struct ConnectorDialer {
    login: Arc<Supervisor>,
    refresher: Refresher,
    newer: Duration,
    metrics: BridgeMetrics,
}

impl ConnectorDialer {
    /// `login` has the tokens that go into certificates, `api` those that ask for them.
    pub(crate) fn new(
        (instance, ip): (Instance, Ip),
        settings: &DbSettings,
        login: Supervisor,
        api: Supervisor,
        metrics: (BridgeMetrics, CertificateMetrics),
    ) -> Result<Self, ConfigError> {
        let login = Arc::new(login);
        let api = AdminApi::new(instance, ip, settings, api)?;
        let refresher = Refresher::spawn(Arc::new(api), Arc::clone(&login), metrics.1);
        Ok(Self { login, refresher, newer: newer(settings), metrics: metrics.0 })
    }

    /// Everything up to the first byte of PostgreSQL's protocol.
    async fn reach(&self, info: &Info) -> Result<TlsStream<TcpStream>, DialError> {
        let tcp = match timed(&self.metrics, Phase::Tcp, connect(&info.address)).await {
            Ok(tcp) => tcp,
            Err(error) => {
                // It may have moved. Whoever tries again finds out.
                self.refresher.suspect(info.generation);
                return Err(error);
            }
        };
        let tls = timed(&self.metrics, Phase::Tls, handshake(info, tcp)).await;
        // The certificate may have been withdrawn, or the server have another CA.
        tls.map_err(|error| error.suspecting(info.generation))
    }
}

async fn handshake(info: &Info, tcp: TcpStream) -> Result<TlsStream<TcpStream>, DialError> {
    let stream = info.tls.connect(info.server_name.clone(), tcp);
    let stream = timeout(PART, stream).await.map_err(|_| DialError::timed_out(Phase::Tls))?;
    stream.map_err(|error| {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let (error_type, chance) = match inner {
            Some(rustls::Error::InvalidCertificate(_)) => ("certificate", Chance::Never),
            Some(rustls::Error::PeerIncompatible(_)) => ("no_tls", Chance::Never),
            Some(rustls::Error::AlertReceived(rustls::AlertDescription::ProtocolVersion)) => {
                ("no_tls", Chance::Never)
            }
            Some(rustls::Error::AlertReceived(_)) => ("alert", Chance::Later),
            _ => return DialError::io(format_args!("no TLS 1.3 with {}", info.address), &error),
        };
        let message = format!("no TLS 1.3 with {}: {}", info.address, told(&error));
        DialError { chance, ..DialError::new(error_type, message) }
    })
}

impl Dial for ConnectorDialer {
    fn dial(&self) -> BoxFuture<'_, Result<Dialed, DialError>> {
        async {
            let current = self.refresher.current(Instant::now() + PART);
            let info = timed(&self.metrics, Phase::Credentials, current).await?;
            let io = Box::new(self.reach(&info).await?);
            Ok(Dialed { io, answer: Answer::Certificate { generation: info.generation } })
        }
        .boxed()
    }

    fn refused(&self, generation: u64, phase: Phase) -> BoxFuture<'_, bool> {
        async move {
            let deadline = Instant::now() + self.newer;
            if phase == Phase::Login
                && let Some(token) = self.refresher.token_of(generation)
            {
                // The server spoke of the token. Another certificate for the same one
                // would be refused as well.
                self.login.suspect(token);
                return self.refresher.with_newer_token(token, deadline).await;
            }
            self.refresher.suspect(generation)
                && self.refresher.newer_than(generation, deadline).await
        }
        .boxed()
    }

    fn is_healthy(&self) -> bool {
        let state = self.refresher.state();
        state.failing.is_none()
            && state.info.is_some_and(|info| !info.is_over())
            && self.login.state().is_healthy()
    }

    fn complaint(&self) -> Option<Arc<str>> {
        let failing = self.refresher.state().failing.map(|error| error.message.into());
        failing.or_else(|| self.login.state().failing.map(|failing| failing.reason))
    }

    fn token_age(&self) -> Option<f64> {
        Some(self.login.state().token?.obtained.elapsed().as_secs_f64())
    }

    fn certificate_expiry(&self) -> Option<f64> {
        Some(self.refresher.state().info?.remaining())
    }
}

#[cfg(test)]
mod tests;
