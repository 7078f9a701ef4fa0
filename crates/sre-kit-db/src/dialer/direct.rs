//! The dialer of a server's own port.

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

use super::auth::AuthResponse;
use super::dial::{Dial, DialedServer, ServerIo};
use crate::address::Address;
use crate::credentials::Supervisor;
use crate::instrument::DialMetrics;
use crate::settings::DbSettings;
use crate::transport::{
    DialError, DialErrorKind, Identity, PHASE_TIMEOUT, Phase, client_config, connect, timed,
};
use crate::wire;
use sre_kit_core::ConfigError;
use sre_kit_core::internal::tls_provider;

/// The login at a server's own port.
pub(crate) enum DirectLogin {
    /// By password: sqlx has it, from the settings.
    Password,
    /// By token: the bridge sends the newest one.
    Token(Supervisor),
}

/// Dials a server's own port.
pub(crate) struct DirectDialer {
    address: Address,
    tls: Option<Tls>,
    login: DirectLogin,
    renewal_wait: Duration,
    metrics: DialMetrics,
}

struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl DirectDialer {
    /// Creates a dialer that uses TLS if `with_tls` is set and the settings have the server's CA.
    pub(crate) fn new(
        address: Address,
        settings: &DbSettings,
        with_tls: bool,
        login: DirectLogin,
        metrics: DialMetrics,
    ) -> Result<Self, ConfigError> {
        let tls = match &settings.server_ca {
            Some(ca) if with_tls => {
                let name = settings.server_name.as_deref().unwrap_or(&address.host);
                let identity = Identity::named("DATABASE_SERVER_NAME", name)?;
                let name = identity.server_name(&address);
                let provider = tls_provider("DATABASE_URL", address.to_string())?;
                let config = client_config(provider, ca, identity, rustls::ALL_VERSIONS)
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
        Ok(Self { address, tls, login, renewal_wait: settings.renewal_wait(), metrics })
    }

    async fn tls(&self, tls: &Tls, mut tcp: TcpStream) -> Result<TlsStream<TcpStream>, DialError> {
        let failed = |error: std::io::Error| {
            let what = format_args!("no TLS with {}", self.address).to_string();
            let error = DialError::io(DialErrorKind::Tls, what, error);
            // Another attempt would see the same certificate.
            if error.error_type == "protocol" {
                DialError { error_type: "certificate", ..error }.permanent()
            } else {
                error
            }
        };
        let handshake = async {
            tcp.write_all(&wire::SSL_REQUEST).await.map_err(failed)?;
            match tcp.read_u8().await.map_err(failed)? {
                b'S' => {}
                b'N' => {
                    let message = format_args!("{} speaks no TLS", self.address).to_string();
                    return Err(DialError::new(DialErrorKind::Tls, "no_tls", message).permanent());
                }
                // An ErrorResponse: the server refuses the connection before TLS.
                _ => {
                    let message = format_args!("{} does not answer", self.address).to_string();
                    let error = DialError::new(DialErrorKind::Unreachable, "protocol", message);
                    return Err(error.transient());
                }
            }
            tls.connector.connect(tls.name.clone(), tcp).await.map_err(failed)
        };
        timeout(PHASE_TIMEOUT, handshake).await.unwrap_or_else(|_| Err(Phase::Tls.timed_out()))
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
    fn dial(&self) -> BoxFuture<'_, Result<DialedServer, DialError>> {
        async {
            let response = match &self.login {
                DirectLogin::Password => AuthResponse::Forward,
                DirectLogin::Token(supervisor) => {
                    let token = async {
                        let token = supervisor.token(Instant::now() + PHASE_TIMEOUT).await;
                        token.map_err(|error| {
                            let message = format_args!("there is no token: {error}").to_string();
                            DialError::new(DialErrorKind::Credentials, "no_token", message)
                                .caused_by(error)
                        })
                    };
                    AuthResponse::Token(timed(&self.metrics, Phase::Credentials, token).await?)
                }
            };
            let tcp = timed(&self.metrics, Phase::Tcp, connect(&self.address)).await?;
            let io: Box<dyn ServerIo> = match &self.tls {
                Some(tls) => Box::new(timed(&self.metrics, Phase::Tls, self.tls(tls, tcp)).await?),
                None => Box::new(tcp),
            };
            Ok(DialedServer { io, response })
        }
        .boxed()
    }

    fn credential_rejected(&self, generation: u64, _failed_phase: Phase) -> BoxFuture<'_, bool> {
        async move {
            let DirectLogin::Token(supervisor) = &self.login else { return false };
            supervisor.reject(generation);
            let deadline = Instant::now() + self.renewal_wait;
            supervisor.newer_than(generation, deadline).await.is_some()
        }
        .boxed()
    }

    fn is_healthy(&self) -> bool {
        match &self.login {
            DirectLogin::Password => true,
            DirectLogin::Token(supervisor) => supervisor.state().is_healthy(),
        }
    }

    fn complaint(&self) -> Option<Arc<str>> {
        let DirectLogin::Token(supervisor) = &self.login else { return None };
        supervisor.state().outage.map(|outage| outage.reason)
    }

    fn token_age(&self) -> Option<f64> {
        let DirectLogin::Token(supervisor) = &self.login else { return None };
        supervisor.token_age()
    }
}

#[cfg(all(test, not(any(feature = "aws-lc-rs", feature = "ring"))))]
mod tests {
    use crate::{Db, DbMetrics, DbSettings};
    use sre_kit_metrics::Registry;

    #[tokio::test]
    async fn a_url_that_needs_tls_without_a_provider_names_the_features() {
        let ca = rcgen::generate_simple_self_signed(["db".to_owned()]).expect("made").cert.pem();
        let settings = DbSettings::new("postgres://app@db:5432/shop").expect("valid");
        let settings =
            settings.with_vars(|name| (name == "DATABASE_CA").then(|| ca.clone())).expect("valid");
        let metrics = DbMetrics::new(&Registry::new()).expect("free");
        let error = Db::new(&settings, &metrics).expect_err("no provider").to_string();
        assert!(error.starts_with("DATABASE_URL is \"db:5432\", but it needs TLS"), "{error}");
        assert!(error.contains("`aws-lc-rs` or `ring`"), "{error}");
    }
}
