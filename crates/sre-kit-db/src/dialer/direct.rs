//! The server itself, on its own port.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{
    Answer, Dial, DialError, Dialed, Identity, PART, Phase, client_config, connect, newer,
    provider, timed,
};
use crate::bridge::wire;
use crate::credentials::Supervisor;
use crate::instrument::BridgeMetrics;
use crate::settings::{Address, DbSettings};
use sre_kit_core::ConfigError;

/// Who answers when the server asks for a password.
pub(crate) enum Login {
    /// sqlx, with the password of the settings.
    Password,
    /// The bridge, with the newest token.
    Token(Supervisor),
}

/// Dials a server's own port.
pub(crate) struct DirectDialer {
    address: Address,
    tls: Option<Tls>,
    login: Login,
    newer: Duration,
    metrics: BridgeMetrics,
}

struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl DirectDialer {
    /// With TLS where the settings have the server's CA.
    pub(crate) fn new(
        address: Address,
        settings: &DbSettings,
        with_tls: bool,
        login: Login,
        metrics: BridgeMetrics,
    ) -> Result<Self, ConfigError> {
        let tls = match &settings.server_ca {
            Some(ca) if with_tls => {
                let identity = Identity::new(settings.server_name.as_deref(), &address)?;
                let name = identity.server_name(&address);
                let config = client_config(provider(), ca, identity, rustls::ALL_VERSIONS)
                    .map_err(|error| unusable(&error))?
                    .with_no_client_auth();
                let name = name.ok_or_else(|| {
                    ConfigError::new(
                        "DATABASE_URL",
                        &address.host,
                        "its host is a name or an address",
                        "correct the host",
                    )
                })?;
                Some(Tls { connector: TlsConnector::from(Arc::new(config)), name })
            }
            _ => None,
        };
        Ok(Self { address, tls, login, newer: newer(settings), metrics })
    }

    async fn tls(&self, tls: &Tls, mut tcp: TcpStream) -> Result<TlsStream<TcpStream>, DialError> {
        let failed = |error: &std::io::Error| {
            let what = format_args!("no TLS with {}", self.address).to_string();
            let error = DialError::io(what, error);
            // A certificate does not become another one by asking again.
            if error.error_type == "protocol" {
                DialError { error_type: "certificate", ..error }.finally()
            } else {
                error
            }
        };
        let handshake = async {
            tcp.write_all(&wire::SSL_REQUEST).await.map_err(|error| failed(&error))?;
            match tcp.read_u8().await.map_err(|error| failed(&error))? {
                b'S' => {}
                b'N' => {
                    let message = format_args!("{} speaks no TLS", self.address).to_string();
                    return Err(DialError::new("no_tls", message).finally());
                }
                // An ErrorResponse, of a server that has no room for the question.
                _ => {
                    let message = format_args!("{} does not answer", self.address).to_string();
                    return Err(DialError::new("protocol", message).transient());
                }
            }
            let stream = tls.connector.connect(tls.name.clone(), tcp).await;
            stream.map_err(|error| failed(&error))
        };
        timeout(PART, handshake).await.unwrap_or_else(|_| Err(DialError::timed_out(Phase::Tls)))
    }
}

fn unusable(error: &rustls::Error) -> ConfigError {
    ConfigError::new(
        "the database's CA",
        error.to_string(),
        "its certificates are ones that can sign others",
        "give the server's CA as its issuer hands it out",
    )
}

impl Dial for DirectDialer {
    fn dial(&self) -> BoxFuture<'_, Result<Dialed, DialError>> {
        async {
            let answer = match &self.login {
                Login::Password => Answer::Forward,
                Login::Token(supervisor) => {
                    let token = async {
                        supervisor.token(Instant::now() + PART).await.map_err(|error| {
                            let message = format_args!("there is no token: {error}").to_string();
                            DialError::new("no_token", message)
                        })
                    };
                    Answer::Token(timed(&self.metrics, Phase::Credentials, token).await?)
                }
            };
            let tcp = timed(&self.metrics, Phase::Tcp, connect(&self.address)).await?;
            let io: Box<dyn super::ServerIo> = match &self.tls {
                Some(tls) => Box::new(timed(&self.metrics, Phase::Tls, self.tls(tls, tcp)).await?),
                None => Box::new(tcp),
            };
            Ok(Dialed { io, answer })
        }
        .boxed()
    }

    fn refused(&self, generation: u64, _phase: Phase) -> BoxFuture<'_, bool> {
        async move {
            let Login::Token(supervisor) = &self.login else { return false };
            supervisor.suspect(generation);
            supervisor.newer_than(generation, Instant::now() + self.newer).await.is_some()
        }
        .boxed()
    }

    fn is_healthy(&self) -> bool {
        match &self.login {
            Login::Password => true,
            Login::Token(supervisor) => supervisor.state().is_healthy(),
        }
    }

    fn complaint(&self) -> Option<Arc<str>> {
        let Login::Token(supervisor) = &self.login else { return None };
        supervisor.state().failing.map(|failing| failing.reason)
    }

    fn token_age(&self) -> Option<f64> {
        let Login::Token(supervisor) = &self.login else { return None };
        Some(supervisor.state().token?.obtained.elapsed().as_secs_f64())
    }
}
