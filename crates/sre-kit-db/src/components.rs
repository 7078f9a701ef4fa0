//! The components that a [`Db`](crate::Db) of PostgreSQL consists of.

use std::sync::Arc;

use super::bridge::{Bridge, Endpoint};
use super::credentials::{Supervisor, TokenSource};
#[cfg(feature = "iam")]
use super::dialer::ConnectorDialer;
use super::dialer::{Dial, DirectDialer, DirectLogin};
use super::instrument::{BridgeMetrics, CredentialMetrics, DbMetrics, DialMetrics};
use super::settings::{DbSettings, Postgres, Server};
use sre_kit_core::ConfigError;

/// Returns the dialer of the server, or `None` if sqlx connects to it directly.
pub(super) fn dialer(
    settings: &DbSettings,
    target: &Postgres,
    metrics: &DbMetrics,
) -> Result<Option<Arc<dyn Dial>>, ConfigError> {
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
            let dial = DialMetrics::new(metrics, &settings.name);
            let (address, login) = (address.clone(), DirectLogin::Password);
            Some(Arc::new(DirectDialer::new(address, settings, with_tls, login, dial)?))
        }
        Server::Token { address } => {
            let credentials = CredentialMetrics::new(metrics, &settings.name);
            let supervisor = Supervisor::spawn(token_source(settings), credentials);
            let dial = DialMetrics::new(metrics, &settings.name);
            let (address, login) = (address.clone(), DirectLogin::Token(supervisor));
            Some(Arc::new(DirectDialer::new(address, settings, true, login, dial)?))
        }
        #[cfg(feature = "iam")]
        Server::Connector { instance, ip_kind } => {
            let connector = crate::connector::ConnectorBuilder::build_for_pool(
                settings, instance, *ip_kind, metrics,
            )?;
            Some(Arc::new(ConnectorDialer::new(connector)))
        }
        #[cfg(not(feature = "iam"))]
        Server::Connector { .. } => unreachable!("refused by the check"),
    })
}

/// Returns the configured source, or Google's application-default credentials.
fn token_source(settings: &DbSettings) -> Arc<dyn TokenSource> {
    if let Some(source) = &settings.tokens {
        return Arc::clone(source);
    }
    #[cfg(feature = "iam")]
    return Arc::new(super::credentials::GoogleTokens::login());
    #[cfg(not(feature = "iam"))]
    unreachable!("refused by the check")
}

/// Starts the bridge in front of `dialer`.
pub(super) fn bridge(
    settings: &DbSettings,
    metrics: &DbMetrics,
    dialer: Arc<dyn Dial>,
) -> Result<Bridge, ConfigError> {
    let inside = settings.bridge_directory.as_deref();
    let endpoint = if settings.bridge_loopback {
        Endpoint::loopback().map_err(|error| {
            ConfigError::new(
                "database.bridge_loopback",
                true,
                format!("127.0.0.1 gives no port: {error}"),
                "allow the process to listen on 127.0.0.1",
            )
        })?
    } else {
        Endpoint::socket(inside).map_err(|error| {
            ConfigError::new(
                "database.bridge_directory",
                inside,
                format!("no socket can be made there: {error}"),
                "name a directory that the process may write to, or call bridge_loopback(true)",
            )
        })?
    };
    let metrics = BridgeMetrics::new(metrics, &settings.name);
    Ok(Bridge::spawn(endpoint, dialer, metrics, settings.concurrent_logins))
}
