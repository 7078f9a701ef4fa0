//! What a handle is put together from.

use std::sync::Arc;

use super::bridge::{Bridge, socket};
use super::credentials::{Supervisor, TokenSource};
#[cfg(feature = "iam")]
use super::dialer::ConnectorDialer;
use super::dialer::{Dial, DirectDialer, Login};
#[cfg(feature = "iam")]
use super::instrument::CertificateMetrics;
use super::instrument::{
    BridgeMetrics, CredentialMetrics, DbMetrics, Demand, PoolMetrics, Recorder,
};
use super::settings::{DbSettings, Postgres, Server};
use sre_kit_core::ConfigError;

pub(super) fn recorder(
    metrics: &DbMetrics,
    settings: &DbSettings,
    common: [String; 4],
) -> Recorder {
    let metrics = Arc::new(PoolMetrics::new(metrics, &settings.name, common));
    Recorder::new(metrics, Demand::default())
}

/// How the server is reached; `None` where sqlx does it by itself.
pub(super) fn dialer(
    settings: &DbSettings,
    target: &Postgres,
    metrics: &DbMetrics,
) -> Result<Option<Arc<dyn Dial>>, ConfigError> {
    let bridge = BridgeMetrics::new(metrics, &settings.name);
    Ok(match &target.server {
        Server::Socket { .. } => None,
        Server::Password { address, tls } => {
            let with_tls = tls.unwrap_or(settings.server_ca.is_some());
            if !with_tls && !address.is_loopback() {
                tracing::warn!(
                    %address,
                    "what is sent to the database can be read on the way; set DATABASE_CA_FILE"
                );
            }
            let login = Login::Password;
            let address = address.clone();
            Some(Arc::new(DirectDialer::new(address, settings, with_tls, login, bridge)?))
        }
        Server::Token { address } => {
            let credentials = CredentialMetrics::new(metrics, &settings.name);
            let login = Login::Token(Supervisor::spawn(token_source(settings), credentials));
            let address = address.clone();
            Some(Arc::new(DirectDialer::new(address, settings, true, login, bridge)?))
        }
        #[cfg(feature = "iam")]
        Server::Connector { instance, ip } => {
            let credentials = CredentialMetrics::new(metrics, &settings.name);
            let login = Supervisor::spawn(token_source(settings), credentials.clone());
            let api = Supervisor::spawn(sqladmin_token_source(settings), credentials);
            let certificates = CertificateMetrics::new(metrics, &settings.name);
            let target = (instance.clone(), *ip);
            let metrics = (bridge, certificates);
            Some(Arc::new(ConnectorDialer::new(target, settings, login, api, metrics)?))
        }
        #[cfg(not(feature = "iam"))]
        Server::Connector { .. } => unreachable!("refused by the check"),
    })
}

/// The settings' own source, else Google's.
fn token_source(settings: &DbSettings) -> Arc<dyn TokenSource> {
    if let Some(source) = &settings.tokens {
        return Arc::clone(source);
    }
    #[cfg(feature = "iam")]
    return Arc::new(super::credentials::GoogleTokens::login());
    #[cfg(not(feature = "iam"))]
    unreachable!("refused by the check")
}

/// The same, for the Admin API.
#[cfg(feature = "iam")]
fn sqladmin_token_source(settings: &DbSettings) -> Arc<dyn TokenSource> {
    settings.sqladmin_tokens.as_ref().map_or_else(
        || -> Arc<dyn TokenSource> { Arc::new(super::credentials::GoogleTokens::sqladmin()) },
        Arc::clone,
    )
}

pub(super) fn bridge(
    settings: &DbSettings,
    metrics: &DbMetrics,
    dialer: Arc<dyn Dial>,
) -> Result<Bridge, ConfigError> {
    let inside = settings.bridge_directory.as_deref();
    let socket = socket::Socket::bind(inside).map_err(|error| {
        ConfigError::new(
            "database.bridge_directory",
            inside,
            format!("no socket can be made there: {error}"),
            "name a directory that the process may write to",
        )
    })?;
    let metrics = BridgeMetrics::new(metrics, &settings.name);
    Ok(Bridge::spawn(socket, dialer, metrics, settings.concurrent_logins))
}
